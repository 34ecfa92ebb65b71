#pragma once

#include "probes/observation/dns.hpp"
#include "probes/observation/host.hpp"

#include <filesystem>
#include <string_view>

// Files of the node: bounded reads, and their parsers as pure text functions that take any bytes.
namespace vnetprobe {

constexpr std::size_t file_limit = 1024 * 1024;

// A regular file's first `limit` bytes. Never blocks on a FIFO or a device.
struct FileText {
  std::string text;
  bool cut{};                        // there was more
  std::optional<HostFailure> error;  // not_found or not_readable
  std::string detail;                // "/etc/x: No such file or directory"
};
// `file` is absolute and read below `root`.
FileText read_file(const std::filesystem::path& root, const std::filesystem::path& file,
                   std::size_t limit = file_limit);

// Names of the regular files in `directory` that end in `suffix`, absolute, sorted, at most 64.
std::vector<std::string> files_in(const std::filesystem::path& root, const std::string& directory,
                                  std::string_view suffix);

// resolv.conf(5). Nameservers that are no addresses are left out.
ResolverConfig resolvers_in(std::string_view text, const std::string& file);

// hosts(5)
std::vector<HostsLine> hosts_lines_in(std::string_view text, const std::string& file, const std::string& name);

// How a file writes its variables.
enum class ProxySyntax {
  environment,  // KEY=VALUE: pam_env's /etc/environment, environment.d
  shell,        // assignments and exports; earlier variables of the same file are expanded
  systemd,      // Environment= and DefaultEnvironment=
  apt,          // Acquire::http::Proxy "..."
};
std::vector<ProxySetting> proxies_in(std::string_view text, ProxySyntax syntax, const std::string& file);

// One variable as a setting: credentials taken out. Absent: not a proxy variable, or an empty value.
std::optional<ProxySetting> proxy_setting(std::string_view variable, std::string_view value, std::string source);

// KEY="value" lines of os-release(5); absent: no such key.
std::optional<std::string> os_release_value(std::string_view text, std::string_view key);

}  // namespace vnetprobe
