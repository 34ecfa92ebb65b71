#pragma once

#include "agent/config/settings.hpp"
#include "agent/config/yaml_reader.hpp"

// The sections of the configuration file that are mappings or lists of their own. Each adds to `settings` what it
// understood.
namespace vnetprobe {

void read_workspace(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_storage_accounts(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_container_registry(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_key_vault(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_targets(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_tls(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_timeouts(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_deliveries(YamlReader& reader, const YamlNode& node, Settings& settings);
void read_daemon_section(YamlReader& reader, const YamlNode& node, Settings& settings);

// Keeps a value with its place, where there is one.
template <class T>
void keep(YamlReader& reader, const YamlNode& node, Setting<T>& setting, std::optional<T> value) {
  if (value) setting = Sourced<T>{.value = std::move(*value), .source = reader.source(node)};
}

}  // namespace vnetprobe
