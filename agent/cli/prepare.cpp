#include "agent/cli/prepare.hpp"

#include "agent/cli/read_file.hpp"
#include "agent/config/config_file.hpp"
#include "reports/render/text_layout.hpp"

#include <spdlog/spdlog.h>

#include <filesystem>

namespace vnetprobe {
namespace {

constexpr std::size_t catalogue_at_most = 4U << 20;

Settings read_config(const RunCommand& command, std::vector<std::string>& notes, std::vector<std::string>& errors) {
  if (!command.config_from.empty()) {
    const auto file = read_file(command.config_from, config_at_most);
    if (!file.error.empty()) errors.push_back(file.error);
    auto parsed = parse_config(file.bytes, command.config_path.empty() ? default_config_path : command.config_path);
    for (auto& error : parsed.errors) errors.push_back(std::move(error.message));
    return parsed.settings.value_or(Settings{});
  }
  std::error_code problem;
  const bool named = !command.config_path.empty();
  if (!named && !std::filesystem::exists(default_config_path, problem)) return {};
  auto loaded = load_config(named ? command.config_path : default_config_path);
  for (auto& error : loaded.errors) errors.push_back(std::move(error.message));
  notes = std::move(loaded.notes);
  return loaded.settings.value_or(Settings{});
}

Catalogue read_catalogue(const Setting<std::string>& path, std::vector<std::string>& errors) {
  if (!path) return built_in_catalogue();
  const auto file = read_file(path->value, catalogue_at_most);
  if (!file.error.empty()) {
    errors.push_back(file.error);
    return {};
  }
  auto parsed = parse_catalogue(file.bytes, path->value);
  errors.insert(errors.end(), parsed.errors.begin(), parsed.errors.end());
  return parsed.catalogue.value_or(Catalogue{});
}

}  // namespace

Preparation prepare(const RunCommand& command, const std::function<void(const Settings&)>& as_soon_as_said) {
  Preparation preparation;
  Prepared prepared;
  prepared.config = read_config(command, prepared.notes, preparation.errors);
  const Settings said = merge(command.settings, prepared.config);
  if (as_soon_as_said && preparation.errors.empty()) as_soon_as_said(said);
  prepared.catalogue = read_catalogue(said.catalog, preparation.errors);
  if (!preparation.errors.empty()) return preparation;
  if (!command.simulated) {
    prepared.surroundings = surroundings_of_this_process();
    prepared.local = read_azureml(prepared.surroundings);
  }
  std::vector<std::string> ca_files;
  for (const auto& file : said.ca_files) ca_files.push_back(file.value);
  prepared.host = read_host(prepared.surroundings, ca_files);
  preparation.prepared = std::move(prepared);
  return preparation;
}

Plan selected_plan(const Prepared& prepared, const Discovery& discovery, const RunCommand& command) {
  auto plan = make_plan(prepared.catalogue, discovery, {.only = command.only, .skip = command.skip});
  for (const auto& glob : plan.idle_globs)
    spdlog::warn("'{}' fits no check of this plan; `vnetprobe list checks` names them", harmless(glob));
  return plan;
}

}  // namespace vnetprobe
