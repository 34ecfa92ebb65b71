#include "agent/config/names.hpp"
#include "agent/discovery/discover.hpp"
#include "probes/text.hpp"

namespace vnetprobe {
namespace {

void take(Setting<std::string>& setting, std::optional<std::string> value, const char* source) {
  if (value) setting = Sourced<std::string>{.value = std::move(*value), .source = source};
}

}  // namespace

// Whatever does not have the shape of its kind is left out: it would end in a host name.
Settings settings_from_imds(const ImdsObservation& imds) {
  Settings settings;
  if (imds.error) return settings;
  const auto cloud = imds.environment ? parse_cloud(*imds.environment) : std::nullopt;
  if (cloud) settings.cloud = Sourced<Cloud>{.value = *cloud, .source = "imds: compute.azEnvironment"};
  if (imds.location) take(settings.region, region_token(*imds.location), "imds: compute.location");
  if (imds.subscription && is_guid(*imds.subscription))
    take(settings.subscription, lower_case(*imds.subscription), "imds: compute.subscriptionId");
  if (imds.resource_group && is_resource_group(*imds.resource_group))
    take(settings.resource_group, imds.resource_group, "imds: compute.resourceGroupName");
  if (!imds.public_addresses.empty())
    settings.public_ip = Sourced<bool>{.value = true, .source = "imds: network.interface.publicIpAddress"};
  return settings;
}

}  // namespace vnetprobe
