#pragma once

#include "agent/cli/command_line.hpp"
#include "reports/compare/compare.hpp"
#include "reports/model/report.hpp"

namespace vnetprobe {

// Prints the report on stdout and writes the files that the user asked for, each atomically and with its parent
// directories. Returns what failed ("/root/r.json: Permission denied"), empty when all went well.
std::string present(const Report& report, const Presentation& presentation);
std::string present(const Comparison& comparison, const Presentation& presentation);

// Replaces `path` with `bytes`: a temporary file beside it, fsync, rename, fsync of the directory; "-" is stdout. Returns
// the message of a failure, after which what was there before is still there and nothing else is.
std::string write_file(const std::string& path, const std::string& bytes);

}  // namespace vnetprobe
