#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace vnetprobe {

// What is wrong with a command line and what to write instead, in two lines for stderr: the library's own message, but
// for a command or a flag that nobody knows, where the one that was probably meant is named.
std::string usage_error(const CLI::App& program, const CLI::ParseError& error,
                        const std::vector<std::string>& arguments);

}  // namespace vnetprobe
