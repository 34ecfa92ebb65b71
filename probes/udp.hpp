#pragma once

#include "probes/observation/udp.hpp"
#include "probes/within.hpp"

namespace vnetprobe {

// Sends one small datagram on a connected UDP socket, again once after half of `limit`, and waits for an answer or an
// error.
asio::awaitable<UdpObservation> observe_udp(Endpoint remote, std::chrono::milliseconds limit);

}  // namespace vnetprobe
