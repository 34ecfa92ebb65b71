#pragma once

#include "reports/diagnosis/dns_view.hpp"

// Each DNS server over the whole run, put together from all checks that asked it.
namespace vnetprobe {

// Who stops questions on their way to a server, where somebody says so.
enum class StoppedBy {
  own_filter,     // the kernel refuses to send: EPERM, and no ICMP error beside it
  own_rejection,  // ICMP from this node's own address
  device,         // ICMP from somebody else than the server, whose rule it is
  router,  // ICMP from a router that has no route. "Host unreachable" is no such word: the last router says it of
           // a server that is down, too
};
struct Stopped {
  StoppedBy by{};
  Cited<DnsObservation> question;  // the first that was stopped so
};

// Checks that the deadline cut off say nothing by their silence, and are not counted.
struct DnsServer {
  Endpoint endpoint;
  std::vector<Cited<DnsObservation>> asked;  // of the checks' own stacks, and the TCP experiments
  int udp_asked{}, udp_answered{}, tcp_asked{}, tcp_answered{};
  // Judged by the questions over UDP, as programs ask, where there are any. Absent: the server is on this node itself
  // or gave an answer, or nobody said anything, or this node stops some questions and lets others out into silence.
  std::optional<Stopped> stopped{};

  std::string name() const { return name_of_server(endpoint); }
  bool answered() const { return udp_answered + tcp_answered > 0; }
};
std::vector<DnsServer> servers_of(const Report& report);

// The server's word came back, whatever it said.
bool got_through(const DnsObservation& dns);
// It answers over TCP only.
bool udp_is_blocked(const DnsServer& server);
// A stub that only ever says SERVFAIL repeats that its upstream is dead: it is not a living server.
bool lives(const DnsServer& server, const Report& report);

// The open checks that need a name and got no address.
std::vector<std::string> victims_of_dns(const Evidenced& evidence);

// Adds what a server whose questions are stopped does to the run: its own check fails, and what needs a name waits,
// with the metadata service where it is stopped by the same. Beside another server that answers it is a nuisance, and a
// warning. {consequence} says so in the table's words.
void add_victims_of(const DnsServer& server, const Evidenced& evidence, Finding& finding);

}  // namespace vnetprobe
