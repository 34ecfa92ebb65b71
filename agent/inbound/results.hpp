#pragma once

#include "probes/observation/tcp.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// What the two ends of an inbound test saw; their JSON is these members.
namespace vnetprobe::inbound {

using Moment = std::chrono::sys_time<std::chrono::milliseconds>;

// --- reach ----------------------------------------------------------------------------------------------------------

enum class ReachVerdict {
  reached,              // the listener itself, by the token
  not_proven,           // a listener of ours, but no token here, or another one
  answered_by_another,  // a connection, and somebody else at its end
  refused,
  filtered,     // silence
  unreachable,  // no way there: this node's routes, its gateway, a router's word
  blocked_here  // this node itself sends nothing
};
BOOST_DESCRIBE_ENUM(ReachVerdict, reached, not_proven, answered_by_another, refused, filtered, unreachable,
                    blocked_here)

// What came over a connection that was made.
struct Dialogue {
  bool listener{};                     // a challenge came
  std::optional<std::string> seen_as;  // this end's address as the listener sees it; its line was proven
  std::string first_bytes;             // of somebody else, made printable
  std::string ended;                   // "silent", "closed", "reset"; empty: neither
};
BOOST_DESCRIBE_STRUCT(Dialogue, (), (listener, seen_as, first_bytes, ended))

struct PortReach {
  std::uint16_t port{};
  std::string address;
  ReachVerdict verdict{};
  std::string says;  // one sentence for people
  std::string next;  // who has to do what; empty: nothing
  TcpObservation tcp;
  std::optional<Dialogue> dialogue;
};
BOOST_DESCRIBE_STRUCT(PortReach, (), (port, address, verdict, says, next, tcp, dialogue))

struct ReachReport {
  std::string schema = "vnetprobe.reach/1";
  std::string host;
  Moment started_at{};
  bool with_token{};
  std::vector<PortReach> ports;  // by port, then by address
};
BOOST_DESCRIBE_STRUCT(ReachReport, (), (schema, host, started_at, with_token, ports))

// --- listen ---------------------------------------------------------------------------------------------------------

struct Visitor {
  std::string address;  // with its port
  Moment at{};
  bool proven{};  // it has the token
};
BOOST_DESCRIBE_STRUCT(Visitor, (), (address, at, proven))

struct PortVisits {
  std::uint16_t port{};
  std::string problem;            // why nobody could listen there; empty: nothing
  std::vector<Visitor> visitors;  // the first ones, bounded
  int visits{}, proven{};         // all of them
  int half_open{};                // most connections at once of which the answer never arrived at the other end
};
BOOST_DESCRIBE_STRUCT(PortVisits, (), (port, problem, visitors, visits, proven, half_open))

struct ListenReport {
  std::string schema = "vnetprobe.listen/1";
  Moment started_at{}, finished_at{};
  std::string ended_by;  // "all reached", "time" or "signal"
  std::vector<PortVisits> ports;
};
BOOST_DESCRIBE_STRUCT(ListenReport, (), (schema, started_at, finished_at, ended_by, ports))

}  // namespace vnetprobe::inbound
