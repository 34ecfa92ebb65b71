#include "agent/config/read_sections.hpp"

#include "agent/config/names.hpp"
#include "agent/config/values.hpp"
#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <set>

namespace vnetprobe {
namespace {

using Keys = std::vector<YamlReader::Key>;

constexpr NameRule workspace_rule{.what = "a workspace",
                                  .shortest = 2,
                                  .longest = 64,
                                  .capitals = true,
                                  .hyphens = true,
                                  .underscores = true,
                                  .words = "2 to 64 letters, digits, hyphens and underscores"};
constexpr NameRule storage_rule{
    .what = "a storage account", .shortest = 3, .longest = 24, .words = "3 to 24 lower-case letters and digits"};
constexpr NameRule registry_rule{.what = "a container registry",
                                 .shortest = 5,
                                 .longest = 63,
                                 .capitals = true,
                                 .hyphens = true,
                                 .words = "5 to 63 letters, digits and hyphens"};
constexpr NameRule vault_rule{.what = "a key vault",
                              .shortest = 3,
                              .longest = 24,
                              .capitals = true,
                              .hyphens = true,
                              .words = "3 to 24 letters, digits and hyphens"};
constexpr NameRule target_rule{.what = "a target",
                               .shortest = 1,
                               .longest = 64,
                               .capitals = true,
                               .hyphens = true,
                               .underscores = true,
                               .words = "1 to 64 letters, digits, hyphens and underscores"};

constexpr std::array<std::string_view, 5> storage_services{"blob", "queue", "table", "file", "dfs"};

std::optional<std::string_view> parse_storage_service(std::string_view text) {
  const auto found = std::find(storage_services.begin(), storage_services.end(), text);
  if (found == storage_services.end()) return std::nullopt;
  return *found;
}

// Without TLS, and not to this node itself.
bool goes_in_the_open(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme_id() != boost::urls::scheme::http) return false;
  const std::string host = parsed->host_address();
  return host != "localhost" && !is_loopback(host);
}

void read_services(YamlReader& reader, const YamlNode& node, std::vector<std::string>& services) {
  reader.sequence(node, "services", "[blob, file]", [&](const YamlNode& item) {
    const auto service = reader.one_of(item, "services", storage_services, parse_storage_service);
    if (service && std::find(services.begin(), services.end(), *service) == services.end())
      services.emplace_back(*service);
  });
}

void read_storage_account(YamlReader& reader, const YamlNode& node, Settings& settings, std::set<std::string>& names) {
  if (node.kind != YamlNode::Kind::mapping)
    return reader.error(node.place, fmt::format("storage_accounts: each account is a mapping, found {}; write "
                                                "storage_accounts: [{{name: mystorage}}]",
                                                shown(node)));
  StorageAccount account{.source = reader.source(node)};
  const auto complaints = reader.error_count();
  const Keys keys{
      {"name",
       [&](const YamlNode& value) { account.name = read_name(reader, value, "name", storage_rule).value_or(""); }},
      {"services", [&](const YamlNode& value) { read_services(reader, value, account.services); }},
      {"private_endpoint",
       [&](const YamlNode& value) {
         account.private_endpoint = read_private_endpoint(reader, value, "private_endpoint");
       }},
  };
  reader.mapping(node, "storage_accounts", keys);
  if (reader.error_count() != complaints) return;
  if (account.name.empty())
    reader.error(node.place, "storage_accounts: this account has no name; write {name: mystorage}");
  else if (!names.insert(account.name).second)
    reader.error(node.place, fmt::format("storage_accounts: '{}' is here a second time", account.name));
  else
    settings.storage_accounts.push_back(std::move(account));
}

void read_resource(YamlReader& reader, const YamlNode& node, std::string_view where, const NameRule& rule,
                   Setting<NamedResource>& setting) {
  NamedResource resource;
  const auto complaints = reader.error_count();
  const Keys keys{
      {"name", [&](const YamlNode& value) { resource.name = read_name(reader, value, "name", rule).value_or(""); }},
      {"private_endpoint",
       [&](const YamlNode& value) {
         resource.private_endpoint = read_private_endpoint(reader, value, "private_endpoint");
       }},
  };
  reader.mapping(node, where, keys);
  if (reader.error_count() != complaints) return;
  if (resource.name.empty())
    reader.error(node.place, fmt::format("{}: the name is missing; write {}: {{name: ...}}", where, where));
  else
    setting = Sourced<NamedResource>{.value = std::move(resource), .source = reader.source(node)};
}

constexpr std::array<std::string_view, 2> http_schemes{"https", "http"};
constexpr std::array<std::string_view, 2> websocket_schemes{"wss", "ws"};
constexpr std::array<std::string_view, 1> https_scheme{"https"};

void read_target(YamlReader& reader, const YamlNode& node, Settings& settings, std::set<std::string>& names) {
  UserTarget target{.source = reader.source(node)};
  int kinds = 0;
  const auto complaints = reader.error_count();
  const UrlRule url_rule{.schemes = http_schemes, .example = "https://pypi.org/simple/", .printed = true};
  const UrlRule websocket_rule{.schemes = websocket_schemes, .example = "wss://stream.contoso.com/ws", .printed = true};
  const Keys keys{
      {"name",
       [&](const YamlNode& value) { target.name = read_name(reader, value, "name", target_rule).value_or(""); }},
      {"url",
       [&](const YamlNode& value) {
         ++kinds;
         target.url = read_url(reader, value, "url", url_rule).value_or("");
       }},
      {"tcp",
       [&](const YamlNode& value) {
         ++kinds;
         target.tcp = read_host_port(reader, value, "tcp").value_or("");
       }},
      {"websocket",
       [&](const YamlNode& value) {
         ++kinds;
         target.websocket = read_url(reader, value, "websocket", websocket_rule).value_or("");
       }},
      {"required", [&](const YamlNode& value) { target.required = reader.boolean(value, "required").value_or(true); }},
  };
  reader.mapping(node, "targets", keys);
  if (reader.error_count() != complaints) return;
  if (target.name.empty())
    reader.error(node.place, "targets: this target has no name; write {name: pypi, url: \"https://pypi.org/simple/\"}");
  else if (!names.insert(target.name).second)
    reader.error(node.place, fmt::format("targets: the name '{}' is taken by an earlier target", target.name));
  else if (kinds != 1)
    reader.error(node.place, fmt::format("targets: '{}' has {} of url, tcp and websocket; write exactly one",
                                         target.name, kinds == 0 ? "none" : "more than one"));
  else
    settings.targets.push_back(std::move(target));
}

void read_delivery(YamlReader& reader, const YamlNode& node, Settings& settings) {
  Delivery delivery{.source = reader.source(node)};
  int kinds = 0;
  const auto complaints = reader.error_count();
  const auto to = [&](DeliveryKind kind, std::optional<std::string> destination) {
    ++kinds;
    delivery.kind = kind;
    delivery.destination = std::move(destination).value_or("");
  };
  const UrlRule webhook_rule{.schemes = http_schemes, .example = "https://hooks.contoso.com/vnet"};
  const UrlRule blob_rule{.schemes = https_scheme, .example = "https://mystorage.blob.core.windows.net/reports?sv=..."};
  bool journal = true;
  const Keys keys{
      {"webhook",
       [&](const YamlNode& value) {
         auto url = read_url(reader, value, "webhook", webhook_rule);
         if (url && goes_in_the_open(*url))
           reader.note(value.place, "webhook: over http whoever is on the way reads the report; write https://");
         to(DeliveryKind::webhook, std::move(url));
       }},
      {"blob", [&](const YamlNode& value) { to(DeliveryKind::blob, read_url(reader, value, "blob", blob_rule)); }},
      {"file",
       [&](const YamlNode& value) {
         to(DeliveryKind::file, read_path(reader, value, "file", "/var/lib/vnetprobe/report.json"));
       }},
      {"console",
       [&](const YamlNode& value) { to(DeliveryKind::console, read_path(reader, value, "console", "/dev/ttyS0")); }},
      {"journal",
       [&](const YamlNode& value) {
         to(DeliveryKind::journal, std::string());
         journal = reader.boolean(value, "journal").value_or(false);
       }},
      {"secret_file",
       [&](const YamlNode& value) {
         delivery.secret_file = read_path(reader, value, "secret_file", "/etc/vnetprobe/hook.key").value_or("");
       }},
      {"when",
       [&](const YamlNode& value) {
         delivery.when = reader.one_of(value, "when", deliver_when_names(), parse_deliver_when).value_or(delivery.when);
       }},
  };
  reader.mapping(node, "delivery", keys);
  if (reader.error_count() != complaints) return;
  if (kinds != 1)
    reader.error(
        node.place,
        fmt::format("delivery: {} of webhook, blob, file, console and journal; write exactly one in each entry",
                    kinds == 0 ? "none" : "more than one"));
  else if (!delivery.secret_file.empty() && delivery.kind != DeliveryKind::webhook &&
           delivery.kind != DeliveryKind::blob)
    reader.error(node.place,
                 "delivery: secret_file signs a webhook's requests or holds a blob's SAS; leave it out here");
  else if (journal)
    settings.delivery.push_back(std::move(delivery));
}

}  // namespace

void read_workspace(YamlReader& reader, const YamlNode& node, Settings& settings) {
  const Keys keys{
      {"name",
       [&](const YamlNode& value) {
         keep(reader, value, settings.workspace_name, read_name(reader, value, "name", workspace_rule));
       }},
      {"id",
       [&](const YamlNode& value) { keep(reader, value, settings.workspace_id, read_guid(reader, value, "id")); }},
      {"region",
       [&](const YamlNode& value) {
         keep(reader, value, settings.workspace_region, read_region(reader, value, "region"));
       }},
      {"private_endpoint",
       [&](const YamlNode& value) {
         keep(reader, value, settings.workspace_private_endpoint,
              read_private_endpoint(reader, value, "private_endpoint"));
       }},
      // Also a key of the file, where the documentation has it.
      {"hbi_workspace",
       [&](const YamlNode& value) {
         keep(reader, value, settings.hbi_workspace, reader.boolean(value, "hbi_workspace"));
       }},
  };
  reader.mapping(node, "workspace", keys);
}

void read_storage_accounts(YamlReader& reader, const YamlNode& node, Settings& settings) {
  std::set<std::string> names;
  reader.sequence(node, "storage_accounts", "[{name: mystorage}]",
                  [&](const YamlNode& item) { read_storage_account(reader, item, settings, names); });
}

void read_container_registry(YamlReader& reader, const YamlNode& node, Settings& settings) {
  read_resource(reader, node, "container_registry", registry_rule, settings.container_registry);
}

void read_key_vault(YamlReader& reader, const YamlNode& node, Settings& settings) {
  read_resource(reader, node, "key_vault", vault_rule, settings.key_vault);
}

void read_targets(YamlReader& reader, const YamlNode& node, Settings& settings) {
  std::set<std::string> names;
  reader.sequence(node, "targets", "[{name: pypi, url: \"https://pypi.org/simple/\"}]",
                  [&](const YamlNode& item) { read_target(reader, item, settings, names); });
}

void read_tls(YamlReader& reader, const YamlNode& node, Settings& settings) {
  const auto read_ca_file = [&](const YamlNode& item) {
    if (auto file = reader.text(item, "ca_files", "[/etc/ssl/contoso.pem]"))
      settings.ca_files.push_back({.value = std::move(*file), .source = reader.source(item)});
  };
  const Keys keys{
      {"ca_files",
       [&](const YamlNode& value) { reader.sequence(value, "ca_files", "[/etc/ssl/contoso.pem]", read_ca_file); }},
      {"allow_interception",
       [&](const YamlNode& value) {
         keep(reader, value, settings.allow_interception, reader.boolean(value, "allow_interception"));
       }},
  };
  reader.mapping(node, "tls", keys);
}

void read_timeouts(YamlReader& reader, const YamlNode& node, Settings& settings) {
  auto& timeouts = settings.timeouts;
  const auto into = [&](std::string_view key, std::optional<std::chrono::milliseconds>& timeout,
                        std::string_view example) {
    return YamlReader::Key{key, [&reader, &timeout, key, example](const YamlNode& value) {
                             timeout = read_duration(reader, value, key, example);
                           }};
  };
  const Keys keys{into("dns", timeouts.dns, "2s"),
                  into("tcp", timeouts.tcp, "5s"),
                  into("tls", timeouts.tls, "5s"),
                  into("http", timeouts.http, "10s"),
                  into("websocket", timeouts.websocket, "10s"),
                  into("websocket_idle", timeouts.websocket_idle, "5m")};
  reader.mapping(node, "timeouts", keys);
}

void read_deliveries(YamlReader& reader, const YamlNode& node, Settings& settings) {
  reader.sequence(node, "delivery", "[{console: /dev/ttyS0}]",
                  [&](const YamlNode& item) { read_delivery(reader, item, settings); });
}

void read_daemon_section(YamlReader& reader, const YamlNode& node, Settings& settings) {
  auto& daemon = settings.daemon;
  const auto read_metrics = [&](const YamlNode& value) {
    const auto listen = value.kind == YamlNode::Kind::scalar ? parse_host_port(value.text) : std::nullopt;
    if (listen && is_address(listen->host))
      daemon.metrics = Endpoint{.address = listen->host, .port = listen->port};
    else
      reader.error(
          value.place,
          fmt::format("metrics: expected address:port, found {}; write metrics: \"127.0.0.1:9798\"", shown(value)));
  };
  const auto read_tls = [&](const YamlNode& section) {
    const auto file = [&](std::string_view key, std::string& into, std::string_view example) {
      return YamlReader::Key{key, [&reader, &into, key, example](const YamlNode& value) {
                               into = read_path(reader, value, key, example).value_or("");
                             }};
    };
    const Keys keys{file("certificate", daemon.certificate_file, "/etc/vnetprobe/server.pem"),
                    file("key", daemon.key_file, "/etc/vnetprobe/server.key")};
    reader.mapping(section, "daemon.tls", keys);
    if (daemon.certificate_file.empty() != daemon.key_file.empty())
      reader.error(section.place, "daemon.tls: write both, {certificate: FILE, key: FILE}");
  };
  const Keys keys{
      {"every", [&](const YamlNode& value) { daemon.every = read_duration(reader, value, "every", "15m"); }},
      {"jitter", [&](const YamlNode& value) { daemon.jitter_percent = read_percentage(reader, value, "jitter"); }},
      {"keep", [&](const YamlNode& value) { daemon.keep = reader.integer(value, "keep", 1, 100'000); }},
      {"keep_mib", [&](const YamlNode& value) { daemon.keep_mib = reader.integer(value, "keep_mib", 1, 100'000); }},
      {"metrics", read_metrics},
      {"tls", read_tls},
      {"token_file",
       [&](const YamlNode& value) {
         daemon.token_file = read_path(reader, value, "token_file", "/etc/vnetprobe/metrics.token").value_or("");
       }},
      {"probe_any", [&](const YamlNode& value) { daemon.probe_any = reader.boolean(value, "probe_any"); }},
  };
  reader.mapping(node, "daemon", keys);
}

}  // namespace vnetprobe
