#include "agent/plan/conditions.hpp"

#include "agent/config/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace vnetprobe {
namespace {

template <class T>
bool holds(const std::vector<T>& wanted, const Setting<T>& actual) {
  return wanted.empty() || (actual && std::ranges::find(wanted, actual->value) != wanted.end());
}

bool is_set(const Setting<bool>& setting) { return setting && setting->value; }

// The resource whose private endpoint an entry's condition is about, as the settings call it.
std::string_view resource_of(const CatalogueEntry& entry) {
  if (has_placeholder(entry, "registry")) return "container_registry";
  if (has_placeholder(entry, "vault")) return "key_vault";
  return has_placeholder(entry, "account") || has_placeholder(entry, "public_account") ? "storage_accounts"
                                                                                       : "workspace";
}

}  // namespace

bool is_for(const CatalogueEntry& entry, const Settings& settings) {
  return holds(entry.profiles, settings.profile) && holds(entry.eras, settings.era) &&
         holds(entry.clouds, settings.cloud);
}

bool has_placeholder(const CatalogueEntry& entry, std::string_view placeholder) {
  const auto in = [&](std::string_view text) {
    return text.find(fmt::format("{{{}}}", placeholder)) != std::string_view::npos;
  };
  return in(entry.id) || in(entry.host);
}

std::string unmet_condition(const CatalogueEntry& entry, const Settings& settings, bool is_private) {
  if (!entry.outbound.empty() && !holds(entry.outbound, settings.outbound)) {
    std::vector<std::string_view> wanted;
    for (const auto outbound : entry.outbound) wanted.push_back(name_of(outbound));
    return fmt::format("only with `outbound: {}`", fmt::join(wanted, "` or `outbound: "));
  }
  if (entry.hbi && *entry.hbi != is_set(settings.hbi_workspace))
    return fmt::format("only with `hbi_workspace: {}`", *entry.hbi);
  if (entry.private_endpoint && *entry.private_endpoint && !is_private)
    return fmt::format("only where `{}` has `private_endpoint: true`", resource_of(entry));
  return {};
}

std::string objection(const CatalogueEntry& entry, const Settings& settings, bool is_private) {
  if (entry.public_ip && *entry.public_ip != is_set(settings.public_ip)) {
    if (!*entry.public_ip) return "not applicable because this compute has a public IP";
    const bool assumed = !settings.public_ip || settings.public_ip->source == "default";
    return fmt::format(
        "not applicable because compute without a public IP needs no inbound port{} (inbound.not_required)",
        assumed ? " (assumed without a public IP; set `public_ip: true` where it has one)" : "");
  }
  if (entry.default_images && *entry.default_images != is_set(settings.default_images))
    return "not applicable because default_images is false";
  if (entry.private_endpoint && !*entry.private_endpoint && is_private) {
    // The tag has more hosts than the user's own.
    if (has_placeholder(entry, "public_account"))
      return "not asked because every storage account that is known has a private endpoint; the rule for the tag is "
             "still needed for the service's own accounts, of which no host is known";
    return "not applicable because the resource is reached through its private endpoint";
  }
  return {};
}

}  // namespace vnetprobe
