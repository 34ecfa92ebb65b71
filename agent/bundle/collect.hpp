#pragma once

#include "agent/bundle/collectors.hpp"

#include <chrono>
#include <optional>

namespace vnetprobe::bundle {

struct Bounds {
  std::size_t item_bytes = 4U << 20;    // of one item; a log keeps its end, anything else its beginning
  std::size_t total_bytes = 96U << 20;  // of all
  std::size_t files_per_pattern = 40;
  std::chrono::milliseconds command{10000};
  std::chrono::milliseconds total{120000};
};

// What was collected, as it was: nothing is redacted yet.
struct Item {
  std::string id;      // file in the bundle
  std::string source;  // path or command line
  std::string bytes;
  bool truncated{};
  std::string problem;             // why there is nothing, or not all; empty: nothing went wrong
  std::optional<int> exit_status;  // of a command that ended by itself
  std::chrono::milliseconds duration{};
};

// A regular file, also through a symbolic link; never waits for a FIFO or reads a device. What a kernel's file of no
// size or a file that grows holds is read up to the bound.
Item read_item(std::string id, const std::string& path, bool tail, const Bounds& bounds);
// A program in a process group of its own, which is killed at its limit or when it prints more than the bound.
Item run_item(std::string id, const std::string& command_line, bool tail, const Bounds& bounds);

// From here on SIGINT and SIGTERM end this process at once, and every command that it has under way with it: they are
// in groups of their own, which a terminal's Ctrl-C does not reach.
void end_with_children_on_signal();

// Every file of a collector, or the one result of its command.
std::vector<Item> collect(const Collector& collector, const std::string& since, const Bounds& bounds);

}  // namespace vnetprobe::bundle
