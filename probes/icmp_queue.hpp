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

// The same with the errno that the kernel made of it (`ee_errno`).
struct QueuedIcmpError {
  IcmpError icmp;
  int error{};
};
std::optional<QueuedIcmpError> take_queued_icmp_error(int socket);

// Undoes queue_icmp_errors() and drops what is queued: from here on an ICMP error is what it is to every other program
// on the node, a hint that does not end an established connection.
void ignore_icmp_errors(int socket, bool v6);

// "ECONNREFUSED"; "errno 999" for what the C library has no name for.
std::string errno_name(int error);

}  // namespace vnetprobe
