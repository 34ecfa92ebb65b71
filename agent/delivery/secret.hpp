#pragma once

#include <string>
#include <variant>

namespace vnetprobe::delivery {

struct SecretProblem {
  std::string message;  // names the file and the command that mends it, never what is in it
};

// A key or a SAS from a file that only its owner and group can read: one that others can read is refused, since it is
// no secret any more. White space at both ends is left out; 64 KiB at most.
std::variant<std::string, SecretProblem> read_secret(const std::string& path);

// Empty, or why a file that holds a secret must not be used as it is: "chmod o= FILE" is in it.
std::string unsafe_mode(const std::string& path);

}  // namespace vnetprobe::delivery
