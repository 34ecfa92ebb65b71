#pragma once

#include "probes/observation/endpoint.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe {

// One `--connect-to HOST:PORT:ADDR:PORT`, as curl has it: an empty HOST or port 0 matches any, an empty ADDR or port 0
// keeps the original. Only where the packets go changes; names, SNI and Host stay. ADDR is an IP literal.
struct ConnectTo {
  std::string host;  // lower case, without brackets
  std::uint16_t port{};
  Endpoint replacement;
};

// Parses the option's value; the error text says what is wrong and shows the form.
struct ConnectToParse {
  std::optional<ConnectTo> value;
  std::string error;
};
ConnectToParse parse_connect_to(std::string_view text);

// Where to connect instead of host:port; first match wins, absent: no replacement.
std::optional<Endpoint> replacement_for(const std::vector<ConnectTo>& table, std::string_view host, std::uint16_t port);

}  // namespace vnetprobe
