#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace vnetprobe {

// "12/31  waiting for storage.blob/x, workspace.api and 3 more   41 s left", cut to `width` columns. Pure.
std::string progress_line(std::size_t finished, std::size_t total, const std::vector<std::string>& waiting,
                          std::chrono::milliseconds left, int width);

// The line at the bottom of stderr while checks run: redrawn in place, at most ten times a second, erased at the end.
// Silent when stderr is no terminal.
class Progress {
 public:
  Progress(std::size_t total, std::chrono::milliseconds deadline, bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void started(const std::string& id);
  void finished(const std::string& id);
  void tick();  // time has passed

 private:
  void draw();

  std::size_t total_, finished_{};
  std::chrono::steady_clock::time_point until_, drawn_{};
  std::vector<std::string> waiting_;
  bool shown_;
};

}  // namespace vnetprobe
