#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace vnetprobe {
namespace {

constexpr const char* libc_file = "/etc/resolv.conf";
constexpr const char* resolved_file = "/run/systemd/resolve/resolv.conf";
constexpr std::size_t servers_kept = 16, words_kept = 32;

bool is_resolved_stub(const Endpoint& server) {
  return server.address == "127.0.0.53" || server.address == "127.0.0.54";
}

void keep(std::vector<std::string>& into, const std::vector<std::string_view>& fields) {
  for (std::size_t n = 1; n < fields.size() && into.size() < words_kept; ++n) into.push_back(printable(fields[n]));
}

// As the kernel prints an IPv4 socket: the address as a number in host order, then the port.
std::string socket_text(const std::string& address, unsigned port) {
  const auto bytes = boost::asio::ip::make_address_v4(address).to_bytes();
  std::uint32_t raw{};
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(&raw));
  return fmt::format("{:08X}:{:04X}", raw, port);
}

// Does a UDP socket of this network namespace take what is sent to the stub? A file that cannot be read proves nothing.
bool something_listens(const std::string& address, const std::filesystem::path& root) {
  const auto sockets = read_file(root, "/proc/net/udp");
  if (sockets.error || sockets.cut) return true;
  const auto exact = socket_text(address, 53), any = socket_text("0.0.0.0", 53);
  for (const auto& line : lines_of(sockets.text)) {
    const auto fields = words(line.text);
    if (fields.size() > 1 && (fields[1] == exact || fields[1] == any)) return true;
  }
  return false;
}

}  // namespace

ResolverConfig resolvers_in(std::string_view text, const std::string& file) {
  ResolverConfig config;
  for (const auto& line : lines_of(text)) {
    if (line.text.starts_with('#') || line.text.starts_with(';')) continue;
    const auto fields = words(line.text);
    if (fields.size() < 2) continue;
    if (fields[0] == "nameserver" && config.servers.size() < servers_kept) {
      boost::system::error_code error;
      const auto address = boost::asio::ip::make_address(std::string(fields[1]), error);
      if (error) continue;
      config.servers.push_back({.endpoint = {.address = address.to_string(), .port = 53},
                                .source = fmt::format("{}:{}", file, line.number),
                                .stub = address.is_loopback()});
    } else if (fields[0] == "search" || fields[0] == "domain") {
      config.search.clear();  // the last line counts (resolv.conf(5))
      keep(config.search, fields);
    } else if (fields[0] == "options") {
      keep(config.options, fields);
    }
  }
  return config;
}

HostObservation observe_resolvers(const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::resolvers};
  const auto file = read_file(root, libc_file);
  seen.error = file.error;
  if (file.error) seen.detail = file.detail;
  auto config = resolvers_in(file.text, libc_file);
  constexpr std::size_t libc_reads = 3;  // MAXNS of resolv.h: a fourth line is never asked and must not be judged
  if (config.servers.size() > libc_reads) {
    seen.detail = fmt::format("{} names {} servers, of which the libc uses the first {}", libc_file,
                              config.servers.size(), libc_reads);
    config.servers.resize(libc_reads);
  }
  const auto stub = std::find_if(config.servers.begin(), config.servers.end(),
                                 [](const auto& server) { return is_resolved_stub(server.endpoint); });
  if (stub != config.servers.end()) {
    config.stub_running = something_listens(stub->endpoint.address, root);
    const auto upstreams = resolvers_in(read_file(root, resolved_file).text, resolved_file);
    config.servers.insert(config.servers.end(), upstreams.servers.begin(), upstreams.servers.end());
  }
  seen.resolvers = std::move(config);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
