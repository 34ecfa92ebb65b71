#pragma once

#include "agent/config/settings.hpp"

#include <variant>

namespace vnetprobe {

// A target as one word: "https://pypi.org/simple/", "wss://stream.contoso.com/ws" or "db.contoso.local:1433"; it is
// named after its host. Else what is wrong with it and what to write instead. No credentials: the report shows it.
std::variant<UserTarget, std::string> parse_target(std::string_view text, std::string source);

}  // namespace vnetprobe
