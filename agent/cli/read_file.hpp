#pragma once

#include <cstddef>
#include <string>

namespace vnetprobe {

struct FileText {
  std::string bytes;
  std::string error;  // "report.json: No such file or directory"; empty when it was read
};

// A whole file, or stdin for "-", of at most `limit` bytes.
FileText read_file(const std::string& path, std::size_t limit);

}  // namespace vnetprobe
