#pragma once

#include "agent/cli/command_line.hpp"

#include <CLI/CLI.hpp>

namespace vnetprobe {

// `tags` with its verbs; what is read goes into `command`, which must live as long as the parsing.
CLI::App* add_tags_command(CLI::App& app, TagsCommand& command);

}  // namespace vnetprobe
