#pragma once

#include "agent/config/settings.hpp"
#include "agent/config/yaml_reader.hpp"

// Readers of single values: each checks the shape that the value must have where it is used later (a host name, a path,
// an Azure resource's name) and complains with what to write. Nothing comes back after a complaint.
namespace vnetprobe {

std::optional<std::chrono::milliseconds> read_duration(YamlReader& reader, const YamlNode& node, std::string_view key,
                                                       std::string_view example);
std::optional<std::string> read_region(YamlReader& reader, const YamlNode& node, std::string_view key);
std::optional<std::string> read_guid(YamlReader& reader, const YamlNode& node, std::string_view key);
std::optional<PrivateEndpoint> read_private_endpoint(YamlReader& reader, const YamlNode& node, std::string_view key);
std::optional<std::string> read_proxy(YamlReader& reader, const YamlNode& node, std::string_view key);
std::optional<int> read_percentage(YamlReader& reader, const YamlNode& node, std::string_view key);
std::optional<std::string> read_path(YamlReader& reader, const YamlNode& node, std::string_view key,
                                     std::string_view example);
std::optional<std::string> read_host_port(YamlReader& reader, const YamlNode& node, std::string_view key);

// What an Azure resource may be called.
struct NameRule {
  std::string_view what;  // "a storage account"
  std::size_t shortest{}, longest{};
  bool capitals{}, hyphens{}, underscores{};
  std::string_view words;  // "3 to 24 lower-case letters and digits"
};
std::optional<std::string> read_name(YamlReader& reader, const YamlNode& node, std::string_view key,
                                     const NameRule& rule);

// A URL of one of these schemes, with a host. Where `printed`, it will stand in the report: no credentials, no
// signature.
struct UrlRule {
  std::span<const std::string_view> schemes;
  std::string_view example;
  bool printed{};
};
std::optional<std::string> read_url(YamlReader& reader, const YamlNode& node, std::string_view key,
                                    const UrlRule& rule);

}  // namespace vnetprobe
