#pragma once

#include "agent/cli/command_line.hpp"
#include "agent/cli/write_file.hpp"
#include "reports/compare/compare.hpp"
#include "reports/fleet/fleet.hpp"
#include "reports/model/report.hpp"

namespace vnetprobe {

// What "report.html" is by its name; absent: nothing that says a format.
std::optional<Format> format_by_extension(std::string_view path);

// Prints the report on stdout and writes the files that the user asked for, each atomically and with its parent
// directories. Returns what failed ("/root/r.json: Permission denied"), empty when all went well.
std::string present(const Report& report, const Presentation& presentation);
std::string present(const Fleet& fleet, const Presentation& presentation);
std::string present(const Comparison& comparison, const Presentation& presentation);

}  // namespace vnetprobe
