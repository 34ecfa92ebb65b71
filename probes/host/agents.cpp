#include "probes/host/command.hpp"
#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace vnetprobe {
namespace {

namespace fs = std::filesystem;

// Which processes a unit starts. A unit by its links alone: systemd's bus may not be there for this user.
struct Known {
  std::string_view unit, process;
};
constexpr std::array<Known, 3> known{
    {{"walinuxagent.service", "waagent"}, {"waagent.service", "waagent"}, {"azbatchnodeagent.service", "azbatch"}}};

// The link that `systemctl enable` made; empty: nobody wants the unit, or it is masked.
std::string enabled_by(const fs::path& root, std::string_view unit) {
  std::error_code problem;
  const auto own = root / "etc/systemd/system" / unit;
  if (fs::is_symlink(own, problem) && fs::read_symlink(own, problem) == "/dev/null") return "";
  const auto link = root / "etc/systemd/system/multi-user.target.wants" / unit;
  return fs::is_symlink(fs::symlink_status(link, problem)) ? "/" + fs::relative(link, root, problem).string() : "";
}

// The command lines of all processes; absent: those of others are hidden (hidepid, ProtectProc).
std::optional<std::vector<std::string>> command_lines(const fs::path& root) {
  std::vector<std::string> all;
  bool first_is_there = false;
  std::error_code gone;
  for (fs::directory_iterator entry(root / "proc", gone), end; !gone && entry != end; entry.increment(gone)) {
    const auto name = entry->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    first_is_there = first_is_there || name == "1";
    all.push_back(read_file(root, fs::path("/proc") / name / "cmdline", 4096).text);
  }
  return first_is_there ? std::optional(std::move(all)) : std::nullopt;
}

// systemd's own count, by the tool that everybody may ask; without its bus (a container, a sandbox) there is none.
void read_restarts(AgentFacts& facts) {
  constexpr std::chrono::milliseconds limit{1000};
  const auto printed = output_of(
      {"systemctl", "show", facts.unit, "--property=NRestarts", "--property=ExecMainStartTimestampMonotonic"}, limit);
  if (!printed) return;
  const auto number_after = [&](std::string_view key) -> std::optional<std::uint64_t> {
    for (const auto& line : lines_of(*printed)) {
      std::uint64_t value{};
      if (!line.text.starts_with(key)) continue;
      const auto text = line.text.substr(key.size());
      if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) return value;
    }
    return std::nullopt;
  };
  facts.restarts = number_after("NRestarts=");
  const auto began = number_after("ExecMainStartTimestampMonotonic=");
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (began && *began > 0 && static_cast<std::uint64_t>(now.tv_sec) >= *began / 1000000)
    facts.running_seconds = static_cast<std::uint64_t>(now.tv_sec) - *began / 1000000;
}

}  // namespace

HostObservation observe_agents(const fs::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::agents};
  AzureAgents agents;
  std::optional<std::vector<std::string>> processes;
  for (const auto& one : known) {
    auto link = enabled_by(root, one.unit);
    if (link.empty()) continue;
    if (!processes) processes = command_lines(root);
    AgentFacts facts{.unit = std::string(one.unit), .enabled_by = std::move(link), .running = {}};
    if (processes)
      facts.running = std::ranges::any_of(
          *processes, [&](const std::string& line) { return line.find(one.process) != std::string::npos; });
    if (root == "/") read_restarts(facts);
    agents.units.push_back(std::move(facts));
  }
  if (!agents.units.empty()) seen.agents = std::move(agents);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
