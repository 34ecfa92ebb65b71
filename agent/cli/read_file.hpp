#pragma once

#include <cstddef>
#include <string>

namespace vnetprobe {

// Of what is read whole.
inline constexpr std::size_t report_at_most = 256U << 20, config_at_most = 5U << 20;

struct InputFile {
  std::string bytes;
  std::string error;  // "report.json: No such file or directory"; empty when it was read
};

// A whole file, or stdin for "-", of at most `limit` bytes.
InputFile read_file(const std::string& path, std::size_t limit);

}  // namespace vnetprobe
