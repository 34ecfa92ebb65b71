#include "agent/delivery/spool.hpp"

#include "agent/cli/write_file.hpp"
#include "agent/delivery/entry_json.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace vnetprobe::delivery {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view report_part = ".report.json", state_part = ".state.json";
constexpr std::size_t ulid_size = 26;

// Only names that this spool makes: what else lies in the directory is none of its business.
std::string id_of(const fs::path& file, std::string_view part) {
  const std::string name = file.filename().string();
  if (name.size() != ulid_size + part.size() || !name.ends_with(part)) return {};
  const auto id = name.substr(0, ulid_size);
  return id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos ? id : std::string();
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, std::string_view bytes) {
  if (const auto problem = write_file(file.string(), bytes); !problem.empty())
    throw std::runtime_error("the spool: " + problem);
}

void sync(const fs::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// What a killed process left of a file that it was writing.
bool is_leftover(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.find(".json.") == std::string::npos) return false;
  std::error_code gone;
  const auto written = fs::last_write_time(file, gone);
  return !gone && fs::file_time_type::clock::now() - written > std::chrono::minutes(10);
}

std::vector<fs::path> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code gone;
  for (fs::directory_iterator entry(directory, gone), end; !gone && entry != end; entry.increment(gone))
    files.push_back(entry->path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

Spool::Spool(fs::path directory, SpoolBounds bounds) : directory_(std::move(directory)), bounds_(bounds) {
  const bool is_new = fs::create_directories(directory_);
  // Reports name hosts and addresses: they are for the agent's user alone.
  if (is_new) fs::permissions(directory_, fs::perms::owner_all);
}

fs::path Spool::file(const std::string& id, std::string_view part) const {
  return directory_ / (id + std::string(part));
}

void Spool::add(const Message& message, const std::vector<std::string>& sinks) {
  Entry entry{.id = message.id, .verdict = message.verdict, .summary = message.summary, .codes = message.codes};
  for (const auto& sink : sinks) entry.owed[sink] = {};
  write(file(message.id, report_part), message.json);
  write(file(message.id, state_part), entry_json(entry));
  drop_beyond_bounds();
}

std::vector<Entry> Spool::entries() {
  std::vector<Entry> entries;
  for (const auto& path : files_of(directory_)) {
    std::error_code gone;
    if (const auto id = id_of(path, report_part); !id.empty()) {
      const auto bytes = fs::file_size(path, gone);
      if (gone) continue;
      Entry entry{.id = id, .without_state = true};
      const auto state = file(id, state_part);
      if (fs::exists(state, gone)) {
        auto read = read_entry_json(text_of(state));
        if (!read || read->id != id)
          set_aside(state);
        else
          entry = std::move(*read);
      }
      entry.bytes = bytes;
      entries.push_back(std::move(entry));
    } else if (const auto owner = id_of(path, state_part);
               !owner.empty() && !fs::exists(file(owner, report_part), gone)) {
      fs::remove(path, gone);
    } else if (is_leftover(path)) {
      fs::remove(path, gone);
    }
  }
  return entries;
}

std::optional<std::string> Spool::report_of(const std::string& id) {
  auto text = text_of(file(id, report_part));
  if (text.starts_with('{') && text.ends_with("}\n")) return text;
  set_aside(file(id, report_part));
  set_aside(file(id, state_part));
  return std::nullopt;
}

void Spool::keep(const Entry& entry) {
  if (!entry.owed.empty()) {
    write(file(entry.id, state_part), entry_json(entry));
    return;
  }
  std::error_code gone;
  fs::remove(file(entry.id, report_part), gone);
  sync(directory_);
  fs::remove(file(entry.id, state_part), gone);
}

void Spool::set_aside(const fs::path& damaged) {
  std::error_code problem;
  fs::create_directories(directory_ / "corrupt", problem);
  fs::rename(damaged, directory_ / "corrupt" / damaged.filename(), problem);
}

void Spool::drop_beyond_bounds() {
  std::vector<Kept> kept;
  for (const auto& entry : entries())
    kept.push_back({.id = entry.id, .healthy = entry.verdict == "healthy", .bytes = entry.bytes});
  const auto victims = to_drop(kept, bounds_);
  if (victims.empty()) return;
  auto count = read_dropped_json(text_of(directory_ / "dropped.json"));
  for (const auto& id : victims) {
    const auto one = std::ranges::find(kept, id, &Kept::id);
    ++count.dropped;
    if (one->healthy) ++count.dropped_healthy;
  }
  write(directory_ / "dropped.json", dropped_json(count));
  for (const auto& id : victims) keep(Entry{.id = id});
}

SpoolState Spool::state() {
  SpoolState state = read_dropped_json(text_of(directory_ / "dropped.json"));
  for (const auto& entry : entries()) {
    const auto is_parked = [](const auto& owed) { return owed.second.state == SinkState::parked; };
    const bool parked = !entry.owed.empty() && std::ranges::all_of(entry.owed, is_parked);
    ++(parked ? state.parked : state.waiting);
  }
  state.set_aside = static_cast<int>(files_of(directory_ / "corrupt").size());
  return state;
}

void Spool::forget_dropped(int dropped, int healthy) {
  auto count = read_dropped_json(text_of(directory_ / "dropped.json"));
  count.dropped = std::max(0, count.dropped - dropped);
  count.dropped_healthy = std::max(0, count.dropped_healthy - healthy);
  if (dropped > 0) write(directory_ / "dropped.json", dropped_json(count));
}

std::optional<LastSeen> Spool::last_seen() const { return read_last_seen_json(text_of(directory_ / "last.json")); }

void Spool::remember(const Message& message) {
  write(directory_ / "last.json", last_seen_json({.verdict = message.verdict, .codes = message.codes}));
}

SenderLock::SenderLock(const fs::path& directory) {
  descriptor_ = ::open((directory / ".sender").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  held_ = descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
}

SenderLock::~SenderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

fs::path default_spool() {
  if (const char* systemd = std::getenv("STATE_DIRECTORY"); systemd && *systemd) {
    const std::string_view several(systemd);
    return fs::path(several.substr(0, several.find(':'))) / "spool";
  }
  if (::geteuid() == 0) return "/var/lib/vnetprobe/spool";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state) return fs::path(state) / "vnetprobe/spool";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/tmp") / ".local/state/vnetprobe/spool";
}

}  // namespace vnetprobe::delivery
