#include "probes/inbound.hpp"

#include "probes/host/files.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace vnetprobe {
namespace {

// Busy machines have long tables; listeners stand first in them, so what is cut off is connections.
constexpr std::size_t table_limit = 8 * file_limit;
constexpr std::size_t listeners_kept = 64, peers_kept = 16;

enum State : unsigned { established = 1, syn_received = 3, listening = 10 };  // include/net/tcp_states.h

struct Socket {
  Endpoint local, remote;
  unsigned state{};
};

template <class Number>
bool hexadecimal(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size();
}

// "0100007F:1F90": the address as 32-bit words in host order, the port as a number. A mapped IPv4 address is told as
// IPv4.
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != 8 && colon != 32) return {};
  std::array<std::uint32_t, 4> parts{};
  for (std::size_t n = 0; n < colon / 8; ++n)
    if (!hexadecimal(text.substr(n * 8, 8), parts[n])) return {};
  Endpoint endpoint;
  if (!hexadecimal(text.substr(colon + 1), endpoint.port)) return {};
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), parts.data(), bytes.size());
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool is_mapped = colon == 32 && std::equal(mapped.begin(), mapped.end(), bytes.begin());
  const bool v6 = colon == 32 && !is_mapped;
  std::array<char, INET6_ADDRSTRLEN> written{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data() + (is_mapped ? 12 : 0), written.data(), written.size());
  endpoint.address = written.data();
  return endpoint;
}

std::optional<Socket> socket_of(std::string_view line) {
  const auto fields = words(line);
  if (fields.size() < 4) return {};
  const auto local = endpoint_of(fields[1]), remote = endpoint_of(fields[2]);
  Socket socket;
  if (!local || !remote || !hexadecimal(fields[3], socket.state)) return {};
  socket.local = *local;
  socket.remote = *remote;
  return socket;
}

// The listener that took a connection: the one bound to its address, else one bound to all. "::" takes IPv4 too by
// default.
Listener* taker(std::vector<Listener>& listeners, const Endpoint& local) {
  const bool v6 = local.address.find(':') != std::string::npos;
  for (const std::string& address : {local.address, std::string(v6 ? "::" : "0.0.0.0"), std::string("::")})
    for (auto& listener : listeners)
      if (listener.endpoint == Endpoint{address, local.port}) return &listener;
  return nullptr;
}

void count(Listener& listener, const Socket& socket) {
  if (socket.state == syn_received) ++listener.syn_received;
  if (socket.state != established) return;
  ++listener.established;
  const auto& peer = socket.remote.address;
  const bool known = std::find(listener.peers.begin(), listener.peers.end(), peer) != listener.peers.end();
  if (!known && listener.peers.size() < peers_kept) listener.peers.push_back(peer);
}

}  // namespace

std::optional<int> sockets_to(const Endpoint& remote, const std::filesystem::path& root) {
  std::optional<int> sockets;
  for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = read_file(root, name, table_limit);
    if (table.error) continue;
    if (!sockets) sockets = 0;
    for (const auto& line : lines_of(table.text))
      if (const auto socket = socket_of(line.text); socket && socket->remote == remote) ++*sockets;
  }
  return sockets;
}

HostObservation observe_listeners(const std::vector<std::uint16_t>& ports, const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::listeners};
  std::vector<Socket> connections;
  int readable = 0;
  for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = read_file(root, name, table_limit);
    if (table.error)
      seen.detail = table.detail;  // no tcp6 where IPv6 is off
    else
      ++readable;
    for (const auto& line : lines_of(table.text)) {
      auto socket = socket_of(line.text);
      if (!socket || std::find(ports.begin(), ports.end(), socket->local.port) == ports.end()) continue;
      if (socket->state != listening)
        connections.push_back(std::move(*socket));
      else if (seen.listeners.size() < listeners_kept)
        seen.listeners.push_back({.endpoint = socket->local});
    }
  }
  if (readable == 0) seen.error = HostFailure::not_readable;
  for (const auto& connection : connections)
    if (auto* listener = taker(seen.listeners, connection.local)) count(*listener, connection);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
