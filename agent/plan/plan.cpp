#include "agent/plan/plan.hpp"

#include "agent/config/names.hpp"
#include "agent/plan/conditions.hpp"
#include "agent/plan/user_target.hpp"
#include "agent/plan/values.hpp"
#include "probes/text.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_set>

namespace vnetprobe {
namespace {

using Values = std::map<std::string, std::string>;

std::string_view protocol_of(Stack stack) {
  switch (stack) {
    case Stack::dns:
      return "dns";
    case Stack::tcp:
    case Stack::inbound:
      return "tcp";
    case Stack::tls:
      return "tls";
    case Stack::https:
      return "https";
    case Stack::http:
      return "http";
    case Stack::websocket:
      return "wss";
    case Stack::udp:
      return "udp";
    case Stack::node:
      return "";
  }
  return "";
}

std::string url_of(Stack stack, const Target& target, const std::string& path) {
  const bool has_url = stack == Stack::https || stack == Stack::http || stack == Stack::websocket;
  if (!has_url) return {};
  const std::uint16_t usual = stack == Stack::http ? 80 : 443;
  const std::string port = target.port == usual ? "" : ":" + std::to_string(target.port);
  return fmt::format("{}://{}{}{}", protocol_of(stack), target.host, port, path.empty() ? "/" : path);
}

class Planner {
 public:
  Planner(const Catalogue& catalogue, const Discovery& discovery, const Selection& selection)
      : catalogue_(catalogue),
        discovery_(discovery),
        settings_(discovery.settings),
        selection_(selection),
        values_(plan_values(catalogue, discovery)) {}

  Plan make() {
    for (const auto* globs : {&selection_.only, &selection_.skip})
      plan_.idle_globs.insert(plan_.idle_globs.end(), globs->begin(), globs->end());
    for (const auto& entry : catalogue_.entries) {
      if (!is_for(entry, settings_)) continue;
      if (has_placeholder(entry, "resolver"))
        for_each_resolver(entry);
      else if (has_placeholder(entry, "account"))
        for_each_account(entry);
      else
        add(entry, values_, endpoint_of(entry));
    }
    for (const auto& target : settings_.targets) add_user_target(target);
    for (const auto& [advice, ids] : missing_)
      plan_.not_checked.push_back(fmt::format("{}: {}", fmt::join(ids, ", "), advice));
    for (auto& [condition, ids] : elsewhere_) {
      std::erase_if(ids, [&](const std::string& id) { return ids_.contains(id); });
      if (!ids.empty()) plan_.left_out.push_back(fmt::format("{}: {}", fmt::join(ids, ", "), condition));
    }
    note_addresses_not_compared();
    return std::move(plan_);
  }

 private:
  // The private endpoint of the resource that an entry is about.
  std::optional<PrivateEndpoint> endpoint_of(const CatalogueEntry& entry) const {
    if (has_placeholder(entry, "registry"))
      return settings_.container_registry ? settings_.container_registry->value.private_endpoint : std::nullopt;
    if (has_placeholder(entry, "vault"))
      return settings_.key_vault ? settings_.key_vault->value.private_endpoint : std::nullopt;
    if (has_placeholder(entry, "public_account")) {
      const StorageAccount* account = public_account(settings_);
      return account ? account->private_endpoint : std::nullopt;
    }
    const bool asks = entry.private_zone || entry.private_endpoint;
    if (asks && settings_.workspace_private_endpoint) return settings_.workspace_private_endpoint->value;
    return std::nullopt;
  }

  void for_each_resolver(const CatalogueEntry& entry) {
    std::vector<Endpoint> servers;
    for (const auto& given : settings_.resolvers) servers.push_back(given.value);
    if (servers.empty() && discovery_.host.resolvers.resolvers)
      for (const auto& server : discovery_.host.resolvers.resolvers->servers) servers.push_back(server.endpoint);
    if (servers.empty()) note(entry, "this node names no DNS server; write --resolver IP to ask one");
    // What stands in the id need not be a host: where ports tell the servers of one address apart, they are part of it.
    CatalogueEntry without_host = entry;
    without_host.host.clear();
    for (const auto& server : servers) {
      const auto has_its_address = [&](const Endpoint& one) { return one.address == server.address && one != server; };
      Values values = values_;
      values["resolver"] = std::ranges::any_of(servers, has_its_address) ? to_string(server) : server.address;
      if (!add(without_host, values, std::nullopt)) continue;
      Target& target = plan_.checks.back().check.target;
      target.host = server.address;
      target.port = server.port;
      target.protocol = "dns";
    }
  }

  // "storage.blob/{account}" is about the service blob; SMB is the file service by another port. Empty: an entry with
  // another id, which is about the account.
  static std::string_view service_of(const CatalogueEntry& entry) {
    static constexpr std::string_view front = "storage.";
    const auto slash = entry.id.find('/');
    if (!entry.id.starts_with(front) || slash == std::string::npos) return {};
    const auto kind = std::string_view(entry.id).substr(front.size(), slash - front.size());
    if (kind == "smb") return "file";
    static constexpr std::array<std::string_view, 5> services{"blob", "file", "queue", "table", "dfs"};
    const auto known = std::ranges::find(services, kind);
    return known == services.end() ? std::string_view() : *known;
  }

  // Of an account of which the settings name no service. Today's documents ask for private endpoints of blob and file
  // only (azure-facts 1.6, 1.8): with the account closed to the public, queues and tables without one are refused, and
  // nothing misses them.
  bool is_usual(std::string_view service, const StorageAccount& account) const {
    const bool is_private = account.private_endpoint && account.private_endpoint->present;
    const bool today = settings_.era && settings_.era->value == Era::y2026_03;
    if (service == "queue" || service == "table") return !is_private || !today;
    return service == "blob" || service == "file";
  }

  void for_each_account(const CatalogueEntry& entry) {
    const auto service = service_of(entry);
    if (settings_.storage_accounts.empty() && service != "dfs") note_missing(entry, "account");
    for (const auto& account : settings_.storage_accounts) {
      const bool all = account.services.empty();
      const bool named = std::ranges::find(account.services, service) != account.services.end();
      if (!service.empty() && !named && !(all && is_usual(service, account))) {
        if (all && service != "dfs")
          remember(elsewhere_, entry, "with private endpoints only where `services` of the storage account names it");
        continue;
      }
      Values values = values_;
      values["account"] = account.name;
      auto endpoint = account.private_endpoint;
      if (endpoint && account.services.size() != 1) endpoint->address.reset();
      add(entry, values, endpoint);
    }
  }

  // What waits for one thing, or is left out for one reason, and the ids.
  using Remarks = std::vector<std::pair<std::string, std::vector<std::string>>>;

  // Remembers that an entry was left out, together with others of the same reason.
  void remember(Remarks& remarks, const CatalogueEntry& entry, const std::string& reason) {
    const std::string id = shown_id(entry.id);
    if (!selected(id)) return;
    auto known = std::ranges::find(remarks, reason, [](const auto& row) { return row.first; });
    if (known == remarks.end()) known = remarks.insert(remarks.end(), {reason, {}});
    if (std::ranges::find(known->second, id) == known->second.end()) known->second.push_back(id);
  }

  void note(const CatalogueEntry& entry, const std::string& advice) { remember(missing_, entry, advice); }

  void note_missing(const CatalogueEntry& entry, std::string_view placeholder) {
    const auto& region = region_of_workspace(settings_);
    if (!placeholder.starts_with("paired_region") || !region)
      note(entry, fmt::format("set {}", setting_for(placeholder)));
    else if (has_no_pair(region->value))
      note(entry, fmt::format("Microsoft names no paired region for {}", region->value));
    else
      note(entry, fmt::format("this version does not know whether {} has a paired region", region->value));
  }

  // "storage.blob/{account}" as the documentation writes it: "storage.blob/<account>".
  static std::string shown_id(std::string id) {
    for (char& c : id) c = c == '{' ? '<' : c == '}' ? '>' : c == '_' ? ' ' : c;
    return id;
  }

  void note_addresses_not_compared() {
    for (const auto& account : settings_.storage_accounts) {
      const bool has_address = account.private_endpoint && account.private_endpoint->address;
      if (!has_address || account.services.size() == 1) continue;
      plan_.not_checked.push_back(fmt::format(
          "storage.*/{}: the address {} is compared with nothing, for each service of an account has a private "
          "endpoint of its own; name one service in `services`",
          account.name, *account.private_endpoint->address));
    }
  }

  bool selected(const std::string& id) {
    const auto matches = [&](const std::string& glob) {
      const bool fits = glob_matches(glob, id);
      if (fits) std::erase(plan_.idle_globs, glob);
      return fits;
    };
    // All of them, and not only up to the first that fits: each is to be known as used.
    const bool wanted = std::ranges::count_if(selection_.only, matches) > 0;
    const bool unwanted = std::ranges::count_if(selection_.skip, matches) > 0;
    return (selection_.only.empty() || wanted) && !unwanted;
  }

  // False: nothing was added.
  bool add(const CatalogueEntry& entry, const Values& values, const std::optional<PrivateEndpoint>& endpoint) {
    const bool is_private = endpoint && endpoint->present;
    if (const auto condition = unmet_condition(entry, settings_, is_private); !condition.empty()) {
      remember(elsewhere_, entry, condition);
      return false;
    }
    const auto objected = objection(entry, settings_, is_private);
    PlannedCheck planned{.stack = entry.stack, .headers = entry.headers};
    Check& check = planned.check;
    std::string missing;
    const auto fill = [&](std::string_view text) {
      auto expanded = expand(text, values);
      if (missing.empty()) missing = expanded.missing;
      return std::move(expanded.text);
    };
    check.id = fill(entry.id);
    check.title = fill(entry.title);
    check.why = entry.source.empty() ? entry.why : fmt::format("{} ({})", entry.why, entry.source);
    check.required = required(entry);
    Target& target = check.target;
    target.host = fill(entry.host);
    target.port = entry.port;
    target.protocol = protocol_of(entry.stack);
    const std::string path = fill(entry.path);
    if (entry.service_tag) target.service_tag = tag(*entry.service_tag, values);
    if (entry.private_zone) target.private_zone = complete(*entry.private_zone, values);
    target.service = entry.service;
    target.guessed = entry.guessed && !(has_placeholder(entry, "batch_host") && settings_.batch_account_host);
    target.owes = entry.owes;
    if (is_private && entry.private_zone) {
      target.private_endpoint = true;
      if (has_the_named_address(entry)) target.expected_address = endpoint->address;
    }
    if (objected.empty() && !missing.empty()) {
      note_missing(entry, missing);
      return false;
    }
    if (missing.empty() && !target.host.empty() && !is_host_name(target.host) && !is_address(target.host)) {
      note(entry, fmt::format("'{}' is no host name", printable(target.host, 100)));
      return false;
    }
    target.url = url_of(entry.stack, target, path);
    if (!objected.empty() && !missing.empty()) return false;
    if (!selected(check.id) || !ids_.insert(check.id).second) return false;
    if (!objected.empty()) {
      planned.run = false;
      check.verdict = Verdict::skip;
      check.reason = objected;
    }
    plan_.checks.push_back(std::move(planned));
    return true;
  }

  // Absent: a part of it is not known here.
  static std::optional<std::string> complete(std::string_view text, const Values& values) {
    auto expanded = expand(text, values);
    return expanded.missing.empty() ? std::optional(std::move(expanded.text)) : std::nullopt;
  }

  // Without a region the global tag, which contains the region's.
  static std::optional<std::string> tag(std::string_view text, const Values& values) {
    if (auto whole = complete(text, values)) return whole;
    return complete(text.substr(0, text.find(".{")), values);
  }

  // An endpoint has an address for each kind of name: the notebooks' and the registry's data endpoint have their own
  // (azure-facts 2.1, 2.2).
  static bool has_the_named_address(const CatalogueEntry& entry) {
    return entry.service != Service::notebooks && entry.service != Service::container_registry_data;
  }

  // IMDS is only owed to a virtual machine of Azure. A machine that stands in for the compute may have a public address
  // of its own, and owes no listener for that.
  bool required(const CatalogueEntry& entry) const {
    if (entry.id == "node.imds" && !discovery_.on_azure_vm) return false;
    const bool by_its_own_address =
        entry.public_ip == true && settings_.public_ip && settings_.public_ip->source.starts_with("imds");
    return entry.required && (!by_its_own_address || discovery_.is_the_compute);
  }

  void add_user_target(const UserTarget& wanted) {
    auto planned = check_of(wanted);
    if (!selected("target." + wanted.name)) return;
    if (!planned)
      plan_.not_checked.push_back(
          fmt::format("target.{}: neither a URL nor host:port ({})", wanted.name, wanted.source));
    else if (ids_.insert(planned->check.id).second)
      plan_.checks.push_back(std::move(*planned));
  }

  const Catalogue& catalogue_;
  const Discovery& discovery_;
  const Settings& settings_;
  const Selection& selection_;
  Values values_;
  Plan plan_;
  std::unordered_set<std::string> ids_;
  Remarks missing_, elsewhere_;
};

}  // namespace

Plan make_plan(const Catalogue& catalogue, const Discovery& discovery, const Selection& selection) {
  return Planner(catalogue, discovery, selection).make();
}

}  // namespace vnetprobe
