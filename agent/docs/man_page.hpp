#pragma once

#include "agent/docs/command_tree.hpp"
#include "reports/diagnosis/codes.hpp"

#include <span>

// Manual pages in man(7), from the same source as `--help` and `explain`. They bear the version and no date, so that
// the same source gives the same bytes.
namespace vnetprobe {

std::string man_of_commands(const CommandTree& program);  // vnetprobe(1)
// `example`: the commented configuration, packaging/config.yaml.example. A block of remarks and settings becomes one
// entry.
std::string man_of_config(std::string_view example);         // vnetprobe-config(5)
std::string man_of_codes(std::span<const CodeEntry> codes);  // vnetprobe-codes(7)

}  // namespace vnetprobe
