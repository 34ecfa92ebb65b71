#include "agent/plan/plan.hpp"

#include "agent/plan/values.hpp"

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace vnetprobe {
namespace {

using Values = std::map<std::string, std::string>;

template <class T>
bool holds(const std::vector<T>& wanted, const Setting<T>& actual) {
  return wanted.empty() || (actual && std::ranges::find(wanted, actual->value) != wanted.end());
}

bool is_set(const Setting<bool>& setting) { return setting && setting->value; }

bool names(const CatalogueEntry& entry, std::string_view placeholder) {
  const auto in = [&](std::string_view text) { return text.find(fmt::format("{{{}}}", placeholder)) != std::string_view::npos; };
  return in(entry.id) || in(entry.host);
}

std::string_view protocol_of(Stack stack) {
  switch (stack) {
    case Stack::dns: return "dns";
    case Stack::tcp:
    case Stack::inbound: return "tcp";
    case Stack::tls: return "tls";
    case Stack::https: return "https";
    case Stack::http: return "http";
    case Stack::websocket: return "wss";
    case Stack::udp: return "udp";
    case Stack::node: return "";
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
      : catalogue_(catalogue), discovery_(discovery), settings_(discovery.settings), selection_(selection),
        values_(plan_values(catalogue, discovery)) {}

  Plan make() {
    for (const auto& entry : catalogue_.entries) {
      if (!holds(entry.profiles, settings_.profile) || !holds(entry.eras, settings_.era) || !holds(entry.clouds, settings_.cloud)) continue;
      if (names(entry, "resolver"))
        for_each_resolver(entry);
      else if (names(entry, "account"))
        for_each_account(entry);
      else
        add(entry, values_, endpoint_of(entry));
    }
    for (const auto& target : settings_.targets) add_user_target(target);
    for (const auto& [setting, ids] : missing_) plan_.not_checked.push_back(fmt::format("{}: set {}", fmt::join(ids, ", "), setting));
    return std::move(plan_);
  }

 private:
  // The private endpoint of the resource that an entry is about.
  std::optional<PrivateEndpoint> endpoint_of(const CatalogueEntry& entry) const {
    if (names(entry, "registry")) return settings_.container_registry ? settings_.container_registry->value.private_endpoint : std::nullopt;
    if (names(entry, "vault")) return settings_.key_vault ? settings_.key_vault->value.private_endpoint : std::nullopt;
    if (names(entry, "account_first"))
      return settings_.storage_accounts.empty() ? std::nullopt : settings_.storage_accounts.front().private_endpoint;
    if (entry.private_zone && settings_.workspace_private_endpoint) return settings_.workspace_private_endpoint->value;
    return std::nullopt;
  }

  void for_each_resolver(const CatalogueEntry& entry) {
    std::vector<Endpoint> servers;
    for (const auto& given : settings_.resolvers) servers.push_back(given.value);
    if (servers.empty() && discovery_.host.resolvers.resolvers)
      for (const auto& server : discovery_.host.resolvers.resolvers->servers) servers.push_back(server.endpoint);
    for (const auto& server : servers) {
      const bool twice = std::ranges::count(servers, server.address, &Endpoint::address) > 1;
      Values values = values_;
      values["resolver"] = twice ? to_string(server) : server.address;
      if (!add(entry, values, std::nullopt)) continue;
      Target& target = plan_.checks.back().check.target;
      target.host = server.address;
      target.port = server.port;
      target.protocol = "dns";
    }
  }

  void for_each_account(const CatalogueEntry& entry) {
    static const std::vector<std::string> usual{"blob", "file", "queue", "table"};
    // "storage.blob/{account}" is about the service blob; SMB is the file service by another port.
    const std::string kind = entry.id.substr(entry.id.find('.') + 1, entry.id.find('/') - entry.id.find('.') - 1);
    const std::string service = kind == "smb" ? "file" : kind;
    if (settings_.storage_accounts.empty() && std::ranges::find(usual, service) != usual.end()) note_missing("account", entry.id.substr(0, entry.id.find('/')));
    for (const auto& account : settings_.storage_accounts) {
      const auto& services = account.services.empty() ? usual : account.services;
      if (std::ranges::find(services, service) == services.end()) continue;
      Values values = values_;
      values["account"] = account.name;
      add(entry, values, account.private_endpoint);
    }
  }

  void note_missing(std::string_view placeholder, const std::string& id) {
    const std::string setting(setting_for(placeholder));
    const auto known = std::ranges::find(missing_, setting, [](const auto& row) { return row.first; });
    auto& ids = known == missing_.end() ? missing_.emplace_back(setting, std::vector<std::string>{}).second : known->second;
    if (selected(id) && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    if (ids.empty()) std::erase_if(missing_, [&](const auto& row) { return row.first == setting; });
  }

  bool selected(const std::string& id) const {
    const auto matches = [&](const std::string& glob) { return glob_matches(glob, id); };
    return (selection_.only.empty() || std::ranges::any_of(selection_.only, matches)) && std::ranges::none_of(selection_.skip, matches);
  }

  // Why an entry that belongs to this node's profile does not hold here; "" when it holds, absent when nobody would ask.
  std::optional<std::string> objection(const CatalogueEntry& entry, const std::optional<PrivateEndpoint>& endpoint) const {
    if (!entry.outbound.empty() && !holds(entry.outbound, settings_.outbound)) return std::nullopt;
    if (entry.hbi && *entry.hbi != is_set(settings_.hbi_workspace)) return std::nullopt;
    if (entry.public_ip && *entry.public_ip != is_set(settings_.public_ip))
      return *entry.public_ip ? "not applicable because compute without a public IP needs no inbound port"
                              : "not applicable because this compute has a public IP";
    if (entry.default_images && *entry.default_images != is_set(settings_.default_images))
      return "not applicable because default_images is false";
    const bool is_private = endpoint && endpoint->present;
    if (entry.private_endpoint && *entry.private_endpoint != is_private) {
      if (*entry.private_endpoint) return std::nullopt;
      return "not applicable because the resource is reached through its private endpoint";
    }
    return "";
  }

  // False: nothing was added.
  bool add(const CatalogueEntry& entry, const Values& values, const std::optional<PrivateEndpoint>& endpoint) {
    const auto objected = objection(entry, endpoint);
    if (!objected) return false;
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
    // A tag or a zone that cannot be named here is left out; the check still stands.
    if (entry.service_tag) target.service_tag = expand(*entry.service_tag, values).text;
    if (entry.private_zone) target.private_zone = expand(*entry.private_zone, values).text;
    target.service = entry.service;
    target.guessed = entry.guessed && !(names(entry, "batch_host") && settings_.batch_account_host);
    if (endpoint && endpoint->present && entry.private_zone) {
      target.private_endpoint = true;
      target.expected_address = endpoint->address;
    }
    if (objected->empty() && !missing.empty()) {
      note_missing(missing, entry.id.substr(0, entry.id.find("/{")));
      return false;
    }
    target.url = url_of(entry.stack, target, path);
    if (!selected(check.id) || is_planned(check.id)) return false;
    if (!objected->empty()) {
      if (!missing.empty()) return false;
      planned.run = false;
      check.verdict = Verdict::skip;
      check.reason = *objected;
    }
    plan_.checks.push_back(std::move(planned));
    return true;
  }

  bool is_planned(const std::string& id) const {
    return std::ranges::any_of(plan_.checks, [&](const PlannedCheck& planned) { return planned.check.id == id; });
  }

  // IMDS is only owed to a virtual machine of Azure.
  bool required(const CatalogueEntry& entry) const {
    if (entry.id == "node.imds") return discovery_.on_azure_vm;
    return entry.required;
  }

  void add_user_target(const UserTarget& wanted) {
    PlannedCheck planned;
    Check& check = planned.check;
    check.id = "target." + wanted.name;
    check.title = wanted.name;
    check.why = fmt::format("the user's own target ({})", wanted.source);
    check.required = wanted.required;
    check.target.service = Service::user;
    if (!wanted.tcp.empty())
      fill_tcp(wanted.tcp, planned);
    else
      fill_url(wanted.url.empty() ? wanted.websocket : wanted.url, planned);
    if (selected(check.id) && !is_planned(check.id)) plan_.checks.push_back(std::move(planned));
  }

  static void fill_tcp(const std::string& text, PlannedCheck& planned) {
    const auto parsed = boost::urls::parse_uri("tcp://" + text);
    planned.stack = Stack::tcp;
    planned.check.target.protocol = "tcp";
    if (!parsed) return;
    planned.check.target.host = std::string(parsed->host_address());
    planned.check.target.port = parsed->port_number();
  }

  static void fill_url(const std::string& url, PlannedCheck& planned) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return;
    Target& target = planned.check.target;
    const std::string scheme(parsed->scheme());
    planned.stack = scheme == "http" ? Stack::http : scheme == "https" ? Stack::https : Stack::websocket;
    target.protocol = scheme;
    target.host = std::string(parsed->host_address());
    const std::uint16_t usual = scheme == "http" || scheme == "ws" ? 80 : 443;
    target.port = parsed->has_port() ? parsed->port_number() : usual;
    target.url = url;
  }

  const Catalogue& catalogue_;
  const Discovery& discovery_;
  const Settings& settings_;
  const Selection& selection_;
  Values values_;
  Plan plan_;
  std::vector<std::pair<std::string, std::vector<std::string>>> missing_;  // setting, ids that wait for it
};

}  // namespace

Plan make_plan(const Catalogue& catalogue, const Discovery& discovery, const Selection& selection) {
  return Planner(catalogue, discovery, selection).make();
}

}  // namespace vnetprobe
