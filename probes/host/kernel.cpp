#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/within.hpp"

#include <charconv>

namespace vnetprobe {
namespace {

template <class T>
std::optional<T> number_in(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end != text.data() ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> number_of(const std::filesystem::path& root, const char* file) {
  return number_in<std::uint64_t>(read_file(root, file).text);
}

// What follows `key` in a text, up to the end of its line.
std::string_view after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find('\n'));
}

}  // namespace

HostObservation observe_kernel(const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::kernel};
  KernelFacts kernel;
  kernel.connections_tracked = number_of(root, "/proc/sys/net/netfilter/nf_conntrack_count");
  kernel.connections_tracked_at_most = number_of(root, "/proc/sys/net/netfilter/nf_conntrack_max");
  // "allocated free maximum"; free is always 0 since Linux 2.6.
  const auto files = read_file(root, "/proc/sys/fs/file-nr").text;
  kernel.files_open = number_in<std::uint64_t>(files);
  if (const auto last = files.find_last_of("\t "); last != std::string::npos)
    kernel.files_open_at_most = number_in<std::uint64_t>(std::string_view(files).substr(last));
  kernel.oom_kills = number_in<std::uint64_t>(after(read_file(root, "/proc/vmstat").text, "oom_kill "));
  kernel.cpu_pressure =
      number_in<std::uint64_t>(after(after(read_file(root, "/proc/pressure/cpu").text, "some "), "avg60="));
  seen.kernel = kernel;
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
