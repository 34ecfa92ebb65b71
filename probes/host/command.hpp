#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Programs of the node, as evidence: bounded in time and output, with nothing to read, and in a process group of their
// own, so that whatever they start ends with them.
namespace vnetprobe {

struct CommandRequest {
  std::vector<std::string> words;  // the program, looked for in PATH, and its arguments
  std::chrono::milliseconds limit{2000};
  bool errors_too{};                                  // stderr among the output, else it goes nowhere
  std::function<bool(std::string_view)> take;         // gets the output as it comes; false: enough, it is killed
  std::function<void(pid_t)> started = [](pid_t) {};  // called at once
};

struct CommandEnding {
  std::optional<int> exit_status;  // absent: it did not end by itself
  std::string problem;             // "not installed", "killed: it did not end in time"; empty: none
};

CommandEnding run_command(const CommandRequest& request);

// What a command printed, when it ended by itself with status 0 within the bounds.
std::optional<std::string> output_of(std::vector<std::string> words, std::chrono::milliseconds limit);

}  // namespace vnetprobe
