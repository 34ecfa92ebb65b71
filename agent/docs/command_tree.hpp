#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

// The command line as data: what `--help` prints, for man pages and completions.
namespace vnetprobe {

struct CommandArgument {
  std::vector<std::string> names;  // "--format", "-v"; empty for a positional
  std::string value;               // what it takes, as "FILE"; empty for a flag without a value
  std::string description;
  std::vector<std::string> choices;  // every value that is accepted, where that is a short list
  bool required{}, repeatable{};

  bool positional() const { return names.empty(); }
  // Whether a file's or a folder's name is wanted.
  bool takes_path() const;
};

struct CommandTree {
  std::string path;  // "tags lookup"; empty for the program itself
  std::string description;
  std::string footer;                      // examples; empty where it only repeats the one of the command above
  std::vector<CommandArgument> arguments;  // without --help, which all of them have
  std::vector<CommandTree> commands;

  std::string name() const;  // the last word of the path
};

// Without what --help hides: flags and commands of an empty group.
CommandTree command_tree(const CLI::App& app);

}  // namespace vnetprobe
