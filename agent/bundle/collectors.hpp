#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe::bundle {

enum class Source {
  file,     // one file, or all that a pattern with '*' matches
  command,  // a program with its arguments, separated by single blanks; never a shell
  own,      // made by the agent itself: the environment, the listing of the CA store
};

// One thing to collect. Every row is bounded by the limits of Bounds below; a further row is all that a further item
// needs.
struct Collector {
  std::string_view id;  // "net/route4": its file in the bundle, and what --only and --skip match
  Source source{};
  std::string_view what;  // path, pattern, or command line
  bool tail{};            // of a log the end counts
  bool needs_root{};      // told where it fails without
};
std::span<const Collector> collectors();

}  // namespace vnetprobe::bundle
