#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace vnetprobe {
namespace {

void set_container(OsFacts& os, std::string kind, std::string sign) {
  os.container = std::move(kind);
  os.container_sign = std::move(sign);
}

// "container=lxc" among the NUL-separated variables of the first process.
std::string container_variable(std::string_view environment) {
  constexpr std::string_view key = "container=";
  while (!environment.empty()) {
    const auto end = std::min(environment.find('\0'), environment.size());
    if (environment.substr(0, end).starts_with(key))
      return printable(environment.substr(key.size(), end - key.size()), 32);
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return {};
}

// The most telling sign first: Kubernetes' pods also have Docker's or containerd's.
void find_container(OsFacts& os, const std::filesystem::path& root) {
  if (std::getenv("KUBERNETES_SERVICE_HOST"))
    return set_container(os, "kubernetes", "environment variable KUBERNETES_SERVICE_HOST");
  std::error_code error;
  const auto cgroup = read_file(root, "/proc/1/cgroup").text;
  if (cgroup.find("kubepods") != std::string::npos) return set_container(os, "kubernetes", "/proc/1/cgroup: kubepods");
  if (std::filesystem::exists(root / "run/.containerenv", error))
    return set_container(os, "podman", "/run/.containerenv");
  if (std::filesystem::exists(root / ".dockerenv", error)) return set_container(os, "docker", "/.dockerenv");
  if (auto kind = container_variable(read_file(root, "/proc/1/environ").text); !kind.empty())
    return set_container(os, kind, "/proc/1/environ: container=" + kind);
  // systemd notes there, for everybody to read, what it was started with
  if (const auto kind = printable(trimmed(lines_of(read_file(root, "/run/systemd/container").text + "\n")[0].text), 32);
      !kind.empty())
    return set_container(os, kind, "/run/systemd/container");
  for (const char* kind : {"docker", "containerd", "lxc"})
    if (cgroup.find(fmt::format("/{}", kind)) != std::string::npos)
      return set_container(os, kind, fmt::format("/proc/1/cgroup: {}", kind));
}

}  // namespace

std::optional<std::string> os_release_value(std::string_view text, std::string_view key) {
  for (const auto& line : lines_of(text)) {
    const auto content = trimmed(line.text);
    if (content.size() <= key.size() || !content.starts_with(key) || content[key.size()] != '=') continue;
    auto value = content.substr(key.size() + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    return printable(value);
  }
  return {};
}

HostObservation observe_os(const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::os};
  OsFacts os;
  auto release = read_file(root, "/etc/os-release");
  if (release.error) release = read_file(root, "/usr/lib/os-release");
  if (release.error) {
    seen.error = release.error;
    seen.detail = release.detail;
  }
  os.id = os_release_value(release.text, "ID").value_or("");
  os.version = os_release_value(release.text, "VERSION_ID").value_or("");
  os.pretty_name = os_release_value(release.text, "PRETTY_NAME").value_or("");
  utsname names{};
  if (::uname(&names) == 0) {
    os.kernel = printable(names.release);
    os.hostname = printable(names.nodename);
  }
  find_container(os, root);
  os.chassis_asset_tag =
      printable(trimmed(lines_of(read_file(root, "/sys/class/dmi/id/chassis_asset_tag").text + "\n")[0].text), 128);
  os.uid = ::geteuid();
  seen.os = std::move(os);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
