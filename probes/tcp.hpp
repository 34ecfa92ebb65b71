#pragma once

#include "probes/connect_to.hpp"
#include "probes/connection.hpp"
#include "probes/observation/tcp.hpp"

namespace vnetprobe {

struct TcpResult {
  TcpObservation seen;
  std::optional<asio::ip::tcp::socket> socket;  // present exactly when `seen.error` is absent
};

struct TcpOptions {
  std::optional<int> mss_limit;  // TCP_MAXSEG: bounds what the peer sends as well
};

// Connects to `remote`. Never throws for what the network does; `limit` bounds the whole attempt. With IP_RECVERR set
// before connect, so that an ICMP error's offender is known; after a failure looks up the route and the gateway's
// neighbour entry. Keep `limit` over 3.1 s: a gateway that does not answer ARP is only told from silence after that
// (diagnosis-codes 3).
asio::awaitable<TcpResult> open_tcp(Endpoint remote, std::chrono::milliseconds limit, TcpOptions options = {});

// What connect(2) came to.
asio::awaitable<boost::system::error_code> connect(asio::ip::tcp::socket& socket, asio::ip::tcp::endpoint remote);

// Notes in `seen`, which tells of this connection's beginning, that its segments have become smaller since then.
void note_size_of_segments(asio::ip::tcp::socket& socket, TcpObservation& seen);

}  // namespace vnetprobe
