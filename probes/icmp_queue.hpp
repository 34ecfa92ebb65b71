#pragma once

#include "probes/observation/tcp.hpp"

#include <cerrno>
#include <optional>
#include <string>

// A socket's error queue (ip(7), IP_RECVERR): who sent the ICMP error that ended a connection attempt or a datagram.
namespace vnetprobe {

// Asks for ICMP errors to be queued. To be called before connect().
void queue_icmp_errors(int socket, bool v6);

// The first queued ICMP error, if any. Drains the queue.
std::optional<IcmpError> take_icmp_error(int socket);

// "ECONNREFUSED"; "errno 999" for what the C library has no name for.
std::string errno_name(int error);

}  // namespace vnetprobe
