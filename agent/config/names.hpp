#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Shapes of the names that end in host names, URLs and the report, whoever wrote them: a person, a file, the
// environment, IMDS.
namespace vnetprobe {

bool is_guid(std::string_view text);
bool is_label(std::string_view text);      // one DNS label: letters, digits and hyphens inside, at most 63
bool is_host_name(std::string_view text);  // labels, underscores allowed, one dot at the end allowed, at most 253
bool is_resource_group(std::string_view text);
bool is_workspace_name(std::string_view text);

// "East US 2" or "EastUS2" -> "eastus2". Absent: no region's name has this shape.
std::optional<std::string> region_token(std::string_view text);

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port{};
};
// "db.contoso.local:1433", "10.0.0.4:443", "[fd00::1]:443"; the port is 1 to 65535.
std::optional<HostPort> parse_host_port(std::string_view text);
std::optional<std::uint16_t> parse_port(std::string_view text);

}  // namespace vnetprobe
