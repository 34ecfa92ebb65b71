#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"

#include <sys/stat.h>
#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

struct HostsFile {
  std::filesystem::path path;
  struct stat status {};
  std::string text;
};

bool is_same(const struct stat& some, const struct stat& other) {
  return some.st_dev == other.st_dev && some.st_ino == other.st_ino && some.st_size == other.st_size &&
         some.st_mtim.tv_sec == other.st_mtim.tv_sec && some.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

}  // namespace

std::vector<HostsLine> hosts_lines_in(std::string_view text, const std::string& file, const std::string& name) {
  constexpr std::size_t most = 64;
  std::vector<HostsLine> result;
  const auto wanted = lower_case(name);
  if (wanted.empty()) return result;
  for (const auto& line : lines_of(text)) {
    const auto fields = words(line.text.substr(0, line.text.find('#')));
    if (fields.size() < 2) continue;
    const auto names_it = [&](std::string_view field) { return lower_case(field) == wanted; };
    if (std::none_of(fields.begin() + 1, fields.end(), names_it)) continue;
    boost::system::error_code error;
    boost::asio::ip::make_address(std::string(fields[0]), error);
    if (error) continue;  // glibc skips the line too
    if (result.size() < most) result.push_back({.file = file, .line = line.number, .address = std::string(fields[0])});
  }
  return result;
}

std::vector<HostsLine> hosts_lines_for(const std::string& name, const std::filesystem::path& root) {
  // Every lookup of a name asks, and the file hardly ever changes: it is read again when it did.
  static thread_local HostsFile last;
  const auto path = root / "etc/hosts";
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return {};
  if (path != last.path || !is_same(now, last.status))
    last = {.path = path, .status = now, .text = read_file(root, "/etc/hosts").text};
  return hosts_lines_in(last.text, "/etc/hosts", name);
}

}  // namespace vnetprobe
