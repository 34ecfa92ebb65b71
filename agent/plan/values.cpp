#include "agent/plan/values.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

constexpr std::size_t label_at_most = 63;

// ml-<workspace name>-<region>-<workspace id>, with the name cut so that the label stays within DNS' bound
// (azure-facts 2.1).
std::string notebooks_label(const std::string& workspace, const std::string& region, const std::string& id) {
  const std::string tail = "-" + region + "-" + id;
  const std::size_t taken = 3 + tail.size();
  return "ml-" + workspace.substr(0, label_at_most > taken ? label_at_most - taken : 0) + tail;
}

struct SettingName {
  std::string_view placeholder, setting;
};
constexpr std::array setting_names{
    SettingName{"region", "`region` (or let IMDS tell it)"},
    SettingName{"region_suffix", "`region` (or let IMDS tell it)"},
    SettingName{"paired_region", "`workspace.region` or `region`"},
    SettingName{"paired_region_suffix", "`workspace.region` or `region`"},
    SettingName{"workspace", "`workspace.name`"},
    SettingName{"workspace_id", "`workspace.id`"},
    SettingName{"workspace_region", "`workspace.region` or `region`"},
    SettingName{"workspace_region_suffix", "`workspace.region` or `region`"},
    SettingName{"instance", "`instance` (or run on the compute instance)"},
    SettingName{"instance_domain", "`cloud`"},
    SettingName{"notebooks_label", "`workspace.name`, `workspace.id` and `workspace.region`"},
    SettingName{"batch_host", "`region` (or let IMDS tell it)"},
    SettingName{"account", "`storage_accounts`"},
    SettingName{"public_account", "`storage_accounts`"},
    SettingName{"registry", "`container_registry`"},
    SettingName{"vault", "`key_vault`"},
};

}  // namespace

const StorageAccount* public_account(const Settings& settings) {
  const auto is_public = [](const StorageAccount& account) {
    return !account.private_endpoint || !account.private_endpoint->present;
  };
  const auto& accounts = settings.storage_accounts;
  const auto found = std::ranges::find_if(accounts, is_public);
  if (found != accounts.end()) return &*found;
  return accounts.empty() ? nullptr : &accounts.front();
}

const Setting<std::string>& region_of_workspace(const Settings& settings) {
  return settings.workspace_region ? settings.workspace_region : settings.region;
}

std::string_view setting_for(std::string_view placeholder) {
  for (const auto& row : setting_names)
    if (row.placeholder == placeholder) return row.setting;
  return "the catalogue's `clouds` section for this cloud";
}

std::map<std::string, std::string> plan_values(const Catalogue& catalogue, const Discovery& discovery) {
  const Settings& settings = discovery.settings;
  std::map<std::string, std::string> values;
  const std::string cloud(name_of(settings.cloud ? settings.cloud->value : Cloud::public_));
  if (const auto own = catalogue.suffixes.find(cloud); own != catalogue.suffixes.end()) values = own->second;
  const auto set = [&](const char* name, const Setting<std::string>& setting) {
    if (setting && !setting->value.empty()) values[name] = setting->value;
  };
  set("region", settings.region);
  set("workspace", settings.workspace_name);
  set("workspace_id", settings.workspace_id);
  set("workspace_region", region_of_workspace(settings));
  set("instance", settings.instance);
  values["subscription_or_zero"] =
      settings.subscription ? settings.subscription->value : std::string("00000000-0000-0000-0000-000000000000");
  if (settings.region) values["region_suffix"] = tag_suffix(settings.region->value);
  if (const auto& region = region_of_workspace(settings)) {
    values["workspace_region_suffix"] = tag_suffix(region->value);
    if (const auto pair = paired_region(region->value); !pair.empty()) {
      values["paired_region"] = pair;
      values["paired_region_suffix"] = tag_suffix(pair);
    }
  }
  if (settings.instance_domain)
    values["instance_domain"] = settings.instance_domain->value;
  else if (values.contains("instance_suffix"))
    values["instance_domain"] = values["instance_suffix"];
  if (settings.batch_account_host)
    values["batch_host"] = settings.batch_account_host->value;
  else if (values.contains("region") && values.contains("batch_suffix"))
    values["batch_host"] = values["region"] + ".service." + values["batch_suffix"];
  if (values.contains("workspace") && values.contains("workspace_id") && values.contains("workspace_region"))
    values["notebooks_label"] =
        notebooks_label(values["workspace"], values["workspace_region"], values["workspace_id"]);
  if (settings.container_registry) values["registry"] = settings.container_registry->value.name;
  if (settings.key_vault) values["vault"] = settings.key_vault->value.name;
  if (const StorageAccount* account = public_account(settings)) values["public_account"] = account->name;
  return values;
}

}  // namespace vnetprobe
