#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace vnetprobe {

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
  const auto file = read_file(root, "/etc/hosts");
  return hosts_lines_in(file.text, "/etc/hosts", name);
}

}  // namespace vnetprobe
