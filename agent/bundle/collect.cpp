#include "agent/bundle/collect.hpp"

#include "probes/descriptor.hpp"
#include "probes/host/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>

namespace vnetprobe::bundle {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds since(Clock::time_point started) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
}

// Keeps the beginning, or the end, of what is poured in.
class Kept {
 public:
  Kept(std::size_t most, bool tail) : most_(most), tail_(tail) {}

  // False: enough, the rest need not be read.
  bool take(std::string_view piece) {
    if (tail_) {
      bytes_.append(piece);
      if (bytes_.size() > 2 * most_) shorten();
      return true;
    }
    const auto room = most_ - bytes_.size();
    cut_ = cut_ || piece.size() > room;
    bytes_.append(piece.substr(0, room));
    return !cut_;
  }
  void finish(Item& into) {
    if (bytes_.size() > most_) shorten();
    into.bytes = std::move(bytes_);
    into.truncated = into.truncated || cut_;
  }

 private:
  // From the beginning of a line: half a line may be half a secret, which no rule would know.
  void shorten() {
    auto from = bytes_.size() - most_;
    if (const auto line = bytes_.find('\n', from); line != std::string::npos) from = line + 1;
    bytes_.erase(0, from);
    cut_ = true;
  }

  std::string bytes_;
  std::size_t most_;
  bool tail_, cut_{};
};

std::string failed(const char* step, int error) { return fmt::format("{}: {}", step, std::strerror(error)); }

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find(' ', at), line.size());
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// Commands under way, for the signal handler; 0: a free place.
std::array<std::atomic<pid_t>, 16> under_way;

// Only what a handler may call (signal-safety(7)).
void end_everything(int signal) {
  for (const auto& place : under_way)
    if (const pid_t pid = place.load(); pid > 0) ::kill(-pid, SIGKILL);
  ::_exit(128 + signal);
}

class UnderWay {
 public:
  explicit UnderWay(pid_t pid) {
    for (auto& place : under_way) {
      pid_t free = 0;
      if (!place.compare_exchange_strong(free, pid)) continue;
      place_ = &place;
      return;
    }
  }
  ~UnderWay() {
    if (place_) place_->store(0);
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  std::atomic<pid_t>* place_{};
};

std::string name_in_bundle(std::string_view id, const std::string& path, bool many) {
  if (!many) return std::string(id);
  std::string flat = path.substr(1);
  for (char& c : flat)
    if (c == '/') c = '_';
  return fmt::format("{}/{}", id, flat);
}

std::vector<std::string> matching(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return paths;
}

}  // namespace

Item read_item(std::string id, const std::string& path, bool tail, const Bounds& bounds) {
  const auto started = Clock::now();
  Item item{.id = std::move(id), .source = path};
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    item.problem = failed("open", errno);
    return item;
  }
  if (!S_ISREG(status.st_mode)) {
    item.problem = "no regular file";
    return item;
  }
  // Of a huge file only the end is read at all.
  const auto most = static_cast<off_t>(bounds.item_bytes);
  if (tail && status.st_size > most) {
    ::lseek(file.get(), status.st_size - most, SEEK_SET);
    item.truncated = true;
  }
  Kept kept(bounds.item_bytes, tail);
  std::array<char, 65536> block{};
  std::size_t read = 0;
  // A file that grows as fast as it is read has an end all the same: twice the bound.
  while (read < 2 * bounds.item_bytes) {
    const auto size = ::read(file.get(), block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) item.problem = failed("read", errno);
    if (size <= 0) break;
    read += static_cast<std::size_t>(size);
    if (!kept.take({block.data(), static_cast<std::size_t>(size)})) break;
  }
  const bool in_the_middle = item.truncated;
  kept.finish(item);
  if (in_the_middle) {
    const auto line = item.bytes.find('\n');
    item.bytes.erase(0, line == std::string::npos ? item.bytes.size() : line + 1);
  }
  item.duration = since(started);
  return item;
}

Item run_item(std::string id, const std::string& command_line, bool tail, const Bounds& bounds) {
  const auto started = Clock::now();
  Item item{.id = std::move(id), .source = command_line};
  Kept kept(bounds.item_bytes, tail);
  std::optional<UnderWay> noted;
  auto ending = run_command({.words = words_of(command_line),
                             .limit = bounds.command,
                             .errors_too = true,
                             .take = [&](std::string_view piece) { return kept.take(piece); },
                             .started = [&](pid_t pid) { noted.emplace(pid); }});
  item.exit_status = ending.exit_status;
  item.problem = std::move(ending.problem);
  kept.finish(item);
  item.duration = since(started);
  return item;
}

void end_with_children_on_signal() {
  struct sigaction action {};
  action.sa_handler = end_everything;
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

std::vector<Item> collect(const Collector& collector, const std::string& since_when, const Bounds& bounds) {
  std::string what(collector.what);
  if (collector.source == Source::command) {
    if (const auto at = what.find("{since}"); at != std::string::npos) what.replace(at, 7, since_when);
    auto item = run_item(std::string(collector.id), what, collector.tail, bounds);
    const bool refused =
        item.exit_status.value_or(0) != 0 || (!item.problem.empty() && item.problem != "not installed");
    if (refused && collector.needs_root && ::geteuid() != 0)
      item.problem += item.problem.empty() ? "needs root" : "; needs root";
    std::vector<Item> one;
    one.push_back(std::move(item));
    return one;
  }
  const bool many = what.find('*') != std::string::npos;
  std::vector<Item> items;
  const auto paths = many ? matching(what) : std::vector{what};
  for (const auto& path : paths) {
    if (items.size() == bounds.files_per_pattern) break;
    items.push_back(read_item(name_in_bundle(collector.id, path, many), path, collector.tail, bounds));
  }
  if (paths.empty()) items.push_back({.id = std::string(collector.id), .source = what, .problem = "nothing there"});
  return items;
}

}  // namespace vnetprobe::bundle
