#include "agent/config/config_file.hpp"

#include "agent/config/known_regions.hpp"
#include "agent/config/names.hpp"
#include "agent/config/read_sections.hpp"
#include "agent/config/values.hpp"
#include "probes/host/files.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <filesystem>

namespace vnetprobe {
namespace {

constexpr std::size_t most_bytes = 4U << 20;

// One entry a key of the file, in the order of the documentation.
std::vector<YamlReader::Key> keys_of_file(YamlReader& reader, Settings& settings) {
  const auto word = [&](auto member, std::string_view key, auto names, auto parse) {
    return YamlReader::Key{key, [&reader, &settings, member, key, names, parse](const YamlNode& value) {
                             keep(reader, value, settings.*member, reader.one_of(value, key, names, parse));
                           }};
  };
  const auto value_of = [&](auto member, std::string_view key, auto read) {
    return YamlReader::Key{key, [&reader, &settings, member, key, read](const YamlNode& value) {
                             keep(reader, value, settings.*member, read(reader, value, key));
                           }};
  };
  const auto flag = [&](auto member, std::string_view key) {
    return value_of(member, key, [](YamlReader& with, const YamlNode& value, std::string_view name) {
      return with.boolean(value, name);
    });
  };
  const auto section = [&](std::string_view key, auto read) {
    return YamlReader::Key{key, [&reader, &settings, read](const YamlNode& value) { read(reader, value, settings); }};
  };
  const auto read_group = [](YamlReader& with, const YamlNode& value, std::string_view key) {
    auto group = with.text(value, key, "my-group");
    if (!group || is_resource_group(*group)) return group;
    with.error(value.place,
               fmt::format("{}: {} is no name of a resource group; it has 1 to 90 letters, digits, hyphens, "
                           "underscores, periods and parentheses",
                           key, shown(value)));
    return std::optional<std::string>();
  };
  const auto read_instance = [](YamlReader& with, const YamlNode& value, std::string_view key) {
    constexpr NameRule rule{.what = "a compute instance",
                            .shortest = 1,
                            .longest = 63,
                            .capitals = true,
                            .hyphens = true,
                            .words = "3 to 24 letters, digits and hyphens"};
    return read_name(with, value, key, rule);
  };
  const auto read_deadline = [](YamlReader& with, const YamlNode& value, std::string_view key) {
    return read_duration(with, value, key, "60s");
  };
  const auto read_tags = [](YamlReader& with, const YamlNode& value, std::string_view key) {
    return with.text(value, key, "/var/lib/vnetprobe/service-tags.json");
  };
  return {word(&Settings::profile, "profile", profile_names(), parse_profile),
          word(&Settings::cloud, "cloud", cloud_names(), parse_cloud),
          word(&Settings::era, "era", era_names(), parse_era),
          flag(&Settings::public_ip, "public_ip"),
          value_of(&Settings::region, "region", read_region),
          value_of(&Settings::subscription, "subscription", read_guid),
          value_of(&Settings::resource_group, "resource_group", read_group),
          section("workspace", read_workspace),
          value_of(&Settings::instance, "instance", read_instance),
          section("storage_accounts", read_storage_accounts),
          section("container_registry", read_container_registry),
          section("key_vault", read_key_vault),
          word(&Settings::outbound, "outbound", outbound_names(), parse_outbound),
          flag(&Settings::default_images, "default_images"),
          flag(&Settings::hbi_workspace, "hbi_workspace"),
          section("targets", read_targets),
          section("tls", read_tls),
          value_of(&Settings::proxy, "proxy", read_proxy),
          section("timeouts", read_timeouts),
          value_of(&Settings::deadline, "deadline", read_deadline),
          value_of(&Settings::service_tags, "service_tags", read_tags),
          section("delivery", read_deliveries),
          section("daemon", read_daemon_section)};
}

const YamlNode* child(const YamlNode* node, std::string_view key) {
  if (!node) return nullptr;
  for (const auto& entry : node->entries)
    if (entry.key.text == key) return &entry.value;
  return nullptr;
}

void check_region(YamlReader& reader, const Settings& settings, const Setting<std::string>& region,
                  const YamlNode* node, std::string_view key) {
  if (!region || !settings.cloud || !node) return;
  const auto cloud = cloud_of_region(region->value);
  if (cloud == settings.cloud->value) return;
  // A name that is in no cloud's list may still be one of a region that we do not know.
  const bool is_known = cloud != Cloud::public_ || std::ranges::count(known_regions(), region->value) > 0;
  const auto message =
      fmt::format("{}: '{}' is not a region of cloud {}", key, region->value, name_of(settings.cloud->value));
  if (is_known)
    reader.error(node->place, fmt::format("{}; write cloud: {}", message, name_of(cloud)));
  else
    reader.note(node->place, message + " by its name");
}

// What each value allows by itself and all together do not.
void check_combinations(YamlReader& reader, const YamlNode& root, const Settings& settings) {
  const auto* instance = child(&root, "instance");
  if (settings.profile && settings.instance && instance && settings.profile->value != Profile::compute_instance)
    reader.error(instance->place,
                 fmt::format("instance: profile {} has no compute instance; leave 'instance' out, or write "
                             "profile: compute-instance",
                             name_of(settings.profile->value)));
  check_region(reader, settings, settings.region, child(&root, "region"), "region");
  check_region(reader, settings, settings.workspace_region, child(child(&root, "workspace"), "region"),
               "workspace.region");
  const auto* hbi = child(&root, "hbi_workspace");
  if (const auto* again = child(child(&root, "workspace"), "hbi_workspace"); hbi && again)
    reader.error(
        again->place,
        fmt::format("workspace.hbi_workspace: also in line {}, as hbi_workspace; write one of them", hbi->place.line));
  const auto* timeouts = child(&root, "timeouts");
  const auto& limits = settings.timeouts;
  for (const auto& [key, limit] : {std::pair{"dns", limits.dns},
                                   {"tcp", limits.tcp},
                                   {"tls", limits.tls},
                                   {"http", limits.http},
                                   {"websocket", limits.websocket},
                                   {"websocket_idle", limits.websocket_idle}}) {
    const auto* node = child(timeouts, key);
    if (node && limit && settings.deadline && *limit >= settings.deadline->value)
      reader.note(node->place, fmt::format("timeouts.{}: not shorter than the deadline, which will come first", key));
  }
}

ConfigResult only(std::string message) {
  ConfigResult result;
  result.errors.push_back({std::move(message)});
  return result;
}

}  // namespace

ConfigResult parse_config(std::string_view text, const std::string& name) {
  const auto read = read_yaml(text, {.bytes = most_bytes});
  YamlReader reader(name);
  Settings settings;
  if (const auto* problem = std::get_if<YamlProblem>(&read)) {
    reader.error(problem->place, problem->message);
  } else if (const auto& root = std::get<YamlNode>(read); root.kind != YamlNode::Kind::null) {
    reader.mapping(root, "", keys_of_file(reader, settings));
    if (root.kind == YamlNode::Kind::mapping) check_combinations(reader, root, settings);
  }
  ConfigResult result{.notes = reader.notes()};
  for (auto& message : reader.errors()) result.errors.push_back({std::move(message)});
  if (result.errors.empty()) result.settings = std::move(settings);
  return result;
}

ConfigResult load_config(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found) return only(path + ": no such file");
  if (problem) return only(fmt::format("{}: {}", path, problem.message()));
  if (std::filesystem::is_directory(status))
    return only(path + ": is a directory; name the file in it, for example " + path + "/config.yaml");
  const auto whole = std::filesystem::absolute(path, problem);
  const auto file = read_file("/", whole, most_bytes);
  if (file.error) return only(file.detail.empty() ? path + ": cannot be read" : file.detail);
  if (file.cut) {
    const auto size = std::filesystem::file_size(path, problem);
    return only(fmt::format("{}: {} bytes; a configuration has at most {}. Is this the right file?", path,
                            problem ? most_bytes + 1 : size, most_bytes));
  }
  return parse_config(file.text, path);
}

}  // namespace vnetprobe
