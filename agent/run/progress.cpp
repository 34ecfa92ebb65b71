#include "agent/run/progress.hpp"

#include "agent/tell.hpp"
#include "reports/render/text_layout.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace vnetprobe {
namespace {

constexpr std::chrono::milliseconds between_redraws{100};

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && !(kind && std::string_view(kind) == "dumb");
}

}  // namespace

std::string progress_line(std::size_t finished, std::size_t total, const std::vector<std::string>& waiting,
                          std::chrono::milliseconds left, int width) {
  const std::string begin = fmt::format("{}/{}", finished, total);
  const std::string end = fmt::format("  {} s left", std::max<long long>(left.count() / 1000, 0));
  const int room = width - 1 - display_width(begin) - display_width(end);
  std::string middle;
  std::size_t named = 0;
  for (const auto& id : waiting) {
    const std::string next = (named == 0 ? "  waiting for " : ", ") + harmless(id);
    const std::string rest = named + 1 < waiting.size() ? fmt::format(" and {} more", waiting.size() - named - 1) : "";
    if (display_width(middle + next + rest) > room) break;
    middle += next;
    ++named;
  }
  if (named > 0 && named < waiting.size()) middle += fmt::format(" and {} more", waiting.size() - named);
  return begin + middle + end;
}

Progress::Progress(std::size_t total, std::chrono::milliseconds deadline, bool wanted)
    : total_(total), until_(std::chrono::steady_clock::now() + deadline), shown_(wanted && is_terminal()) {}

Progress::~Progress() {
  if (shown_) tell("\r\033[K");
}

void Progress::started(const std::string& id) {
  if (!shown_) return;
  waiting_.push_back(id);
  draw();
}

void Progress::finished(const std::string& id) {
  ++finished_;
  if (!shown_) return;
  if (const auto done = std::ranges::find(waiting_, id); done != waiting_.end()) waiting_.erase(done);
  draw();
}

void Progress::tick() {
  if (shown_) draw();
}

void Progress::draw() {
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < between_redraws) return;
  drawn_ = now;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - now);
  tell("\r\033[K{}", progress_line(finished_, total_, waiting_, left, terminal_width()));
  std::fflush(stderr);
}

}  // namespace vnetprobe
