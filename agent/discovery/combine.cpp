#include "agent/config/names.hpp"
#include "agent/discovery/discover.hpp"
#include "agent/discovery/proxy_choice.hpp"
#include "probes/imds.hpp"

#include <fmt/format.h>
#include <boost/describe/enum_to_string.hpp>

namespace vnetprobe {
namespace {

using Text = std::optional<Sourced<std::string>>;

Text text(std::string value, std::string source) {
  if (value.empty()) return std::nullopt;
  return Sourced<std::string>{.value = std::move(value), .source = std::move(source)};
}

template <class E>
Text name_in(const Setting<E>& setting) {
  if (!setting) return std::nullopt;
  return text(std::string(name_of(setting->value)), setting->source);
}

// A node and its workspace mostly share a region: each stands in for the other where only one is known.
void share_region(Settings& settings) {
  if (!settings.region && settings.workspace_region)
    settings.region = Sourced<std::string>{.value = settings.workspace_region->value,
                                           .source = settings.workspace_region->source + " (the workspace's region)"};
  if (!settings.workspace_region && settings.region)
    settings.workspace_region = Sourced<std::string>{.value = settings.region->value,
                                                     .source = settings.region->source + " (the node's region)"};
}

// The region tells the sovereign clouds apart where nothing else does.
void infer_cloud(Settings& settings) {
  if (settings.cloud || !settings.region) return;
  const auto cloud = cloud_of_region(settings.region->value);
  if (cloud == Cloud::public_) return;
  settings.cloud = Sourced<Cloud>{.value = cloud, .source = settings.region->source + " (by its region)"};
}

struct Belief {
  bool on_azure_vm{};
  std::string because;
};

Belief believe(const Settings& said, const OsFacts& os, const std::optional<ImdsObservation>& imds) {
  constexpr std::string_view azure_chassis = "7783-7084-3265-9085-8269-3286-77";
  if (said.imds_endpoint) return {true, "an IMDS endpoint was named (" + said.imds_endpoint->source + ")"};
  if (imds && !imds->error) return {true, "IMDS answered"};
  if (!os.container.empty()) {
    const auto sign = os.container_sign.empty() ? std::string() : " (" + os.container_sign + ")";
    return {false, fmt::format("this is a {} container{}, which IMDS need not answer", os.container, sign)};
  }
  if (said.profile)
    return {true, fmt::format("the profile is {} ({})", name_of(said.profile->value), said.profile->source)};
  if (os.chassis_asset_tag == azure_chassis) return {true, "the chassis asset tag is Azure's"};
  return {false,
          "no profile was named, no file of Azure Machine Learning was found and the chassis asset tag is not Azure's"};
}

std::vector<NodeResolver> resolvers_of(const Settings& settings, const HostFacts& host) {
  constexpr std::uint16_t dns_port = 53;
  const auto shown = [](const Endpoint& endpoint) {
    return endpoint.port == dns_port || endpoint.port == 0 ? endpoint.address : to_string(endpoint);
  };
  std::vector<NodeResolver> resolvers;
  for (const auto& named : settings.resolvers)
    resolvers.push_back({.value = shown(named.value), .stub = false, .source = named.source});
  if (!resolvers.empty() || !host.resolvers.resolvers) return resolvers;
  for (const auto& server : host.resolvers.resolvers->servers)
    resolvers.push_back({.value = shown(server.endpoint), .stub = server.stub, .source = server.source});
  return resolvers;
}

std::vector<NodeAddress> addresses_of(const HostFacts& host) {
  std::vector<NodeAddress> addresses;
  for (const auto& interface : host.interfaces.interfaces) {
    if (interface.kind == "loopback") continue;
    for (const auto& address : interface.addresses)
      addresses.push_back({.value = address, .interface = interface.name, .source = "kernel"});
  }
  return addresses;
}

// A configured proxy stands before what the node's own files say, without its credentials.
std::vector<ProxySetting> proxies_of(const Settings& settings, const HostFacts& host) {
  std::vector<ProxySetting> proxies;
  if (settings.proxy && settings.proxy->value == "none") {
    proxies.push_back({.variable = "proxy", .value = "none", .source = settings.proxy->source});
  } else if (settings.proxy && settings.proxy->value != "environment") {
    if (const auto address = parse_proxy(settings.proxy->value))
      proxies.push_back({.variable = "proxy",
                         .value = "http://" + to_string(Endpoint{.address = address->host, .port = address->port}),
                         .source = settings.proxy->source,
                         .has_credentials = !address->credentials.empty()});
  }
  proxies.insert(proxies.end(), host.proxies.proxies.begin(), host.proxies.proxies.end());
  return proxies;
}

Sourced<std::string> imds_of(const Settings& settings, const std::optional<ImdsObservation>& imds) {
  const auto endpoint = settings.imds_endpoint ? settings.imds_endpoint->value : std::string(imds_default_endpoint);
  if (!imds) return {.value = "not asked", .source = endpoint};
  if (!imds->error) return {.value = "answered", .source = endpoint};
  return {.value = boost::describe::enum_to_string(*imds->error, "failed"), .source = endpoint};
}

Node node_of(const Settings& settings, const HostFacts& host, const std::optional<ImdsObservation>& imds) {
  const OsFacts os = host.os.os.value_or(OsFacts{});
  Node node{.hostname = text(os.hostname, "uname"),
            .os = text(os.pretty_name.empty() ? os.id : os.pretty_name, "os-release"),
            .kernel = text(os.kernel, "uname"),
            .profile = name_in(settings.profile),
            .cloud = name_in(settings.cloud),
            .era = name_in(settings.era),
            .region = settings.region,
            .subscription = settings.subscription,
            .resource_group = settings.resource_group,
            .workspace = settings.workspace_name,
            .workspace_id = settings.workspace_id,
            .workspace_region = settings.workspace_region,
            .instance = settings.instance,
            .outbound = name_in(settings.outbound),
            .public_ip = settings.public_ip,
            .addresses = addresses_of(host),
            .resolvers = resolvers_of(settings, host),
            .proxy = proxies_of(settings, host),
            .imds = imds_of(settings, imds),
            .uid = os.uid};
  if (host.os.os)
    node.container = Sourced<bool>{.value = !os.container.empty(),
                                   .source = os.container_sign.empty() ? "no sign of one" : os.container_sign};
  return node;
}

}  // namespace

Discovery combine(const Settings& command_line, const Settings& config, const LocalSettings& local, HostFacts host,
                  std::optional<ImdsObservation> imds) {
  const Settings said = merge(command_line, merge(config, local.settings));
  Settings settings = imds ? merge(said, settings_from_imds(*imds)) : said;
  share_region(settings);
  infer_cloud(settings);
  settings = merge(std::move(settings), default_settings());

  auto belief = believe(said, host.os.os.value_or(OsFacts{}), imds);
  Discovery discovery{.node = node_of(settings, host, imds), .notes = local.notes};
  discovery.on_azure_vm = belief.on_azure_vm;
  discovery.on_azure_vm_because = std::move(belief.because);
  discovery.is_the_compute = local.settings.profile && local.settings.profile->value == settings.profile->value;
  if (!said.profile)
    discovery.notes.push_back("no profile was named and nothing on this node tells one; compute-instance was assumed");
  if (command_line.profile && local.settings.profile && command_line.profile->value != local.settings.profile->value)
    discovery.notes.push_back(fmt::format("{} says {}, but this node looks like {} ({})", command_line.profile->source,
                                          name_of(command_line.profile->value), name_of(local.settings.profile->value),
                                          local.settings.profile->source));
  discovery.settings = std::move(settings);
  discovery.host = std::move(host);
  discovery.imds = std::move(imds);
  return discovery;
}

}  // namespace vnetprobe
