#pragma once

#include "probes/observation/tcp.hpp"

#include <vector>

namespace vnetprobe {

// What is sent with a limited TTL to every hop.
enum class PathPacket {
  syn,           // a connection attempt
  client_hello,  // a TLS ClientHello on a connection that was made with the normal TTL
};
BOOST_DESCRIBE_ENUM(PathPacket, syn, client_hello)

enum class PathReply {
  silent,         // nothing within the limit, or died on the way without a word
  time_exceeded,  // ICMP 11/0: the packet died at `address`
  answered,       // syn: connected; client_hello: bytes of the peer
  refused,        // syn: a TCP reset
  unreachable,    // ICMP 3/x from `address`
  cut,            // client_hello: reset or end of the connection
};
BOOST_DESCRIBE_ENUM(PathReply, silent, time_exceeded, answered, refused, unreachable, cut)

struct PathHop {
  int ttl{};
  PathReply reply{};
  std::optional<std::string> address;  // who sent the ICMP error
};
BOOST_DESCRIBE_STRUCT(PathHop, (), (ttl, reply, address))

enum class PathFailure {
  unreached,  // no TTL brought an answer of the target or of who speaks for it
};
BOOST_DESCRIBE_ENUM(PathFailure, unreached)

// One packet for every TTL, all at once: who is on the way, and at which distance something answers. Needs no rights:
// the offender of an ICMP error is in the socket's error queue (diagnosis-codes 3).
struct PathObservation {
  Endpoint remote;
  std::optional<std::string> instead_of;
  PathPacket packet{};
  std::string name;  // client_hello: the server name in it
  std::chrono::microseconds duration{};
  std::optional<PathFailure> error;
  std::vector<PathHop> hops;      // in order of TTL, up to the first that was reached; silent ones at the end left out
  std::optional<int> reached_at;  // the smallest TTL with an answer, a refusal or a cut
};
BOOST_DESCRIBE_STRUCT(PathObservation, (), (remote, instead_of, packet, name, duration, error, hops, reached_at))

}  // namespace vnetprobe
