#pragma once

#include "agent/delivery/policy.hpp"

#include <filesystem>
#include <map>

// Reports on disk until every sink has them. A report is two files, ID.report.json and ID.state.json, each replaced as
// a whole (temporary file, fsync, rename, fsync of the directory): whatever moment the process is killed at, an entry
// is there or it is not. The report comes first and goes first, so a state without a report is what a kill left of a
// delivered one, and a report without a state is delivered to everybody (again).
namespace vnetprobe::delivery {

enum class SinkState { waiting, parked };
BOOST_DESCRIBE_ENUM(SinkState, waiting, parked)

// What one sink still owes to one report. Delivered ones are taken out.
struct Owed {
  SinkState state{};
  int attempts{};
  std::chrono::sys_seconds not_before{};  // by the wall clock: it has to outlive the process
  std::string says;                       // of the last attempt; for a parked one the reason
};

struct Entry {
  std::string id, verdict;
  std::string summary;  // for the sinks that show a few lines
  std::vector<std::string> codes;
  std::map<std::string, Owed> owed;  // by the sink's key
  bool without_state{};              // found so: owed to every sink of the configuration
  std::size_t bytes{};
};

struct SpoolState {
  int waiting{}, parked{}, set_aside{};
  int dropped{}, dropped_healthy{};  // since the last report that told of it
};

class Spool {
 public:
  // Makes the directory (0700) when it is not there. Throws std::filesystem::filesystem_error.
  explicit Spool(std::filesystem::path directory, SpoolBounds bounds = {});

  // On disk when this returns; throws std::system_error with the path when it cannot be. Drops what the bounds ask for.
  void add(const Message& message, const std::vector<std::string>& sinks);

  // Oldest first. What cannot be read is set aside in `corrupt/`, never deleted.
  std::vector<Entry> entries();
  // The report's bytes as they were added; absent: damaged, and set aside.
  std::optional<std::string> report_of(const std::string& id);
  // Writes what is still owed; an entry that owes nothing is removed.
  void keep(const Entry& entry);

  SpoolState state();
  void forget_dropped(int dropped, int healthy);  // a report has told of so many

  std::optional<LastSeen> last_seen() const;
  void remember(const Message& message);

  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path file(const std::string& id, std::string_view part) const;
  void set_aside(const std::filesystem::path& file);
  void drop_beyond_bounds();

  std::filesystem::path directory_;
  SpoolBounds bounds_;
};

// One sender at a time, over all processes: an flock that ends with its holder.
class SenderLock {
 public:
  explicit SenderLock(const std::filesystem::path& directory);
  ~SenderLock();
  SenderLock(const SenderLock&) = delete;
  SenderLock& operator=(const SenderLock&) = delete;
  bool held() const { return held_; }

 private:
  int descriptor_{-1};
  bool held_{};
};

// $STATE_DIRECTORY (systemd), else /var/lib/vnetprobe for root, else $XDG_STATE_HOME or ~/.local/state; "/spool" below
// it.
std::filesystem::path default_spool();

}  // namespace vnetprobe::delivery
