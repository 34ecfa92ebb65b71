#pragma once

#include "agent/docs/command_tree.hpp"

// Completions: scripts that know every command, flag and value of the tree and ask nobody when they run. `vnetprobe`
// alone is `vnetprobe run`, so that run's flags are offered right after the program's name too.
namespace vnetprobe {

std::string bash_completion(const CommandTree& program);
std::string zsh_completion(const CommandTree& program);
std::string fish_completion(const CommandTree& program);

}  // namespace vnetprobe
