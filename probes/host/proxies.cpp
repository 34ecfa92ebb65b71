#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <unistd.h>
#include <cstdlib>
#include <set>

namespace vnetprobe {
namespace {

struct ProxyReader {
  const std::filesystem::path& root;
  HostObservation& seen;

  void file(const std::string& name, ProxySyntax syntax) const {
    const auto read = read_file(root, name);
    if (read.error == HostFailure::not_readable && !seen.detail) seen.detail = read.detail;
    for (auto& setting : proxies_in(read.text, syntax, name)) seen.proxies.push_back(std::move(setting));
  }

  void directory(const std::string& name, std::string_view suffix, ProxySyntax syntax) const {
    for (const auto& entry : files_in(root, name, suffix)) file(entry, syntax);
  }
};

void read_process(HostObservation& seen) {
  constexpr std::size_t most = 64;
  for (char** entry = environ; entry && *entry && seen.proxies.size() < most; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    if (auto setting = proxy_setting(text.substr(0, equals), text.substr(equals + 1), "process"))
      seen.proxies.push_back(std::move(*setting));
  }
}

// The user's own home and those below /home: the agent often runs as root while the notebooks run as somebody else.
std::set<std::string> homes(const std::filesystem::path& root) {
  constexpr std::size_t most = 16;
  std::set<std::string> result;
  if (const char* home = std::getenv("HOME"); home && *home == '/') result.insert(home);
  std::error_code error;
  std::filesystem::directory_iterator entries(root / "home", error);
  for (; !error && entries != std::filesystem::directory_iterator() && result.size() < most; entries.increment(error))
    result.insert("/home/" + entries->path().filename().string());
  return result;
}

}  // namespace

HostObservation observe_proxies(const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::proxies};
  read_process(seen);
  const ProxyReader reader{root, seen};
  reader.file("/etc/environment", ProxySyntax::environment);
  reader.directory("/etc/environment.d", ".conf", ProxySyntax::environment);
  reader.file("/etc/profile", ProxySyntax::shell);
  reader.directory("/etc/profile.d", ".sh", ProxySyntax::shell);
  reader.file("/etc/bash.bashrc", ProxySyntax::shell);
  for (const auto& home : homes(root)) {
    for (const char* name : {"/.profile", "/.bash_profile", "/.bashrc"}) reader.file(home + name, ProxySyntax::shell);
    reader.directory(home + "/.config/environment.d", ".conf", ProxySyntax::environment);
  }
  for (const char* name : {"/etc/systemd/system.conf", "/etc/systemd/user.conf"}) {
    reader.file(name, ProxySyntax::systemd);
    reader.directory(std::string(name) + ".d", ".conf", ProxySyntax::systemd);
  }
  reader.directory("/etc/systemd/system/docker.service.d", ".conf", ProxySyntax::systemd);
  reader.directory("/etc/systemd/system/containerd.service.d", ".conf", ProxySyntax::systemd);
  reader.file("/etc/apt/apt.conf", ProxySyntax::apt);
  reader.directory("/etc/apt/apt.conf.d", "", ProxySyntax::apt);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
