#pragma once

#include "agent/plan/plan.hpp"

#include <algorithm>
#include <set>

// A node that says everything of itself, its plan, and what a test asks of that.
namespace vnetprobe::test {

template <class T>
Setting<T> set(T value) {
  return Sourced<T>{.value = std::move(value), .source = "test"};
}

// A node that knows everything of itself.
inline Discovery node(Profile profile = Profile::compute_instance, Era era = Era::y2026_03) {
  Discovery discovery;
  Settings& settings = discovery.settings;
  settings.profile = set(profile);
  settings.era = set(era);
  settings.region = set<std::string>("eastus2");
  settings.subscription = set<std::string>("22222222-2222-2222-2222-222222222222");
  settings.workspace_name = set<std::string>("my-workspace");
  settings.workspace_id = set<std::string>("11111111-1111-1111-1111-111111111111");
  settings.instance = set<std::string>("my-ci");
  settings.storage_accounts = {{.name = "mystorage", .services = {}, .private_endpoint = {}, .source = "test"}};
  settings.container_registry = set(NamedResource{.name = "myacr", .private_endpoint = {}});
  settings.key_vault = set(NamedResource{.name = "mykv", .private_endpoint = {}});
  settings.resolvers = {{.value = {.address = "168.63.129.16", .port = 53}, .source = "test"}};
  settings = merge(settings, default_settings());
  return discovery;
}

inline Plan plan_of(const Discovery& discovery, const Selection& selection = {}) {
  return make_plan(built_in_catalogue(), discovery, selection);
}

inline const PlannedCheck* find(const Plan& plan, std::string_view id) {
  const auto found = std::ranges::find_if(plan.checks, [&](const auto& planned) { return planned.check.id == id; });
  return found == plan.checks.end() ? nullptr : &*found;
}

inline std::string host(const Plan& plan, std::string_view id) {
  const auto* planned = find(plan, id);
  return planned ? planned->check.target.host : "absent";
}

inline std::set<std::string> ids(const Plan& plan, std::string_view prefix = "") {
  std::set<std::string> found;
  for (const auto& planned : plan.checks)
    if (planned.check.id.starts_with(prefix)) found.insert(planned.check.id);
  return found;
}

}  // namespace vnetprobe::test
