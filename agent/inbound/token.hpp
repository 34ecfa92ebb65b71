#pragma once

#include <string>
#include <variant>

namespace vnetprobe::inbound {

struct TokenProblem {
  std::string message;  // never what is in the file or the variable
};
using Token = std::variant<std::string, TokenProblem>;

inline constexpr const char* token_variable = "VNETPROBE_TOKEN";

// From `file` (as safe as any secret of ours; "-" is stdin), else from the variable VNETPROBE_TOKEN. Empty: neither.
// Shorter than 16 characters is a problem: who listens in could guess it.
Token read_token(const std::string& file);

std::string make_token();  // 128 bits

}  // namespace vnetprobe::inbound
