#pragma once

#include "reports/diagnosis/rule.hpp"

#include <utility>

// How rules look into a check: every observation comes with its index, so that evidence can cite it.
namespace vnetprobe {

template <class T>
struct Cited {
  const Check* check{};
  int index{};
  const T* seen{};

  const T& operator*() const { return *seen; }
  const T* operator->() const { return seen; }

  // "its words, about this observation"
  Evidence says(std::string words) const {
    return {.check = check->id, .observation = index, .says = std::move(words)};
  }
};

enum class Part {
  stack,        // what the check's own climb showed
  experiments,  // follow-ups only: they explain, and never make a check fail by themselves
  everything,
};

template <class T>
std::vector<Cited<T>> cited(const Check& check, Part part = Part::stack) {
  std::vector<Cited<T>> found;
  for (std::size_t i = 0; i < check.observations.size(); ++i) {
    const auto& observation = check.observations[i];
    const bool experiment = observation.follow_up.has_value();
    if ((part == Part::stack && experiment) || (part == Part::experiments && !experiment)) continue;
    if (const auto* seen = std::get_if<T>(&observation.seen)) found.push_back({&check, static_cast<int>(i), seen});
  }
  return found;
}

// The same over several checks, in plan order.
template <class T>
std::vector<Cited<T>> cited(const std::vector<const Check*>& checks, Part part = Part::stack) {
  std::vector<Cited<T>> found;
  for (const auto* check : checks)
    for (auto& one : cited<T>(*check, part)) found.push_back(one);
  return found;
}

// Every check of the report, explained or not: for "does anything else work?".
std::vector<const Check*> all_checks(const Report& report);

// A topic of the node that some check observed; absent: nobody looked, or it could not be read.
std::optional<Cited<HostObservation>> host_fact(const Report& report, HostTopic topic);
// The node's own routing table, as some check observed it. Made once and asked for many addresses.
class RouteTable {
 public:
  explicit RouteTable(const Report& report);

  // The most specific route for an address; absent: none, or nobody read the table.
  const RouteFacts* route_for(std::string_view address) const;
  const std::optional<Cited<HostObservation>>& from() const { return from_; }

 private:
  std::optional<Cited<HostObservation>> from_;
};

bool is_own_address(const Report& report, std::string_view address);
// Loopback or one of this node's own: what it says comes from this node, and crosses no network.
bool is_at_home(const Report& report, std::string_view address);
// The packets did not leave the node: EPERM at once, or SYNs that the kernel would not send again.
bool could_not_send(const TcpObservation& tcp);
// Retransmissions on a tenth of the connections that were made: the path itself loses packets.
bool path_is_lossy(const std::vector<Check>& checks);
// IMDS and WireServer, which only Azure's platform offers.
bool asks_the_platform(const Check& check);
// False on a machine that is none of Azure's: the plan asks its platform all the same, and nothing follows from
// silence.
bool platform_is_owed(const Report& report);
bool has_global_v6(const Report& report);

// The connection attempts that count: without IPv6 ones that this node has no means for, as long as there are others.
std::vector<Cited<TcpObservation>> attempts(const Check& check, const Report& report);
// Where an attempt was meant to go: --connect-to only changes where the packets went.
std::string meant_address(const Cited<TcpObservation>& attempt);

// A name to ask for, or an address that needs none: did the stack get an address?
bool resolved(const Check& check);
bool connected(const Check& check);
// Somebody else is there: a certificate for other names (X509_V_ERR_HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH).
bool another_server_is_there(const Check& check);
// Names were asked for, none was found, and nothing further up happened.
bool ends_at_dns(const Check& check);
// Connections were tried and none was made.
bool ends_at_tcp(const Check& check, const Report& report);
// Nothing follows when there is no answer. Of a target that owes only its host's word, that is silence or a reset; a
// refusal by ICMP or by this machine's kernel has an author, and is another matter.
bool owes_no_answer(const Check& check);
// The name need not exist, and nobody found it: the node's servers, or the proxy that would have asked its own and says
// only that it gets nowhere.
bool may_not_exist(const Check& check);
// Port unreachable by the target itself: datagrams arrive, so no rule of the network is in their way. What is wrong
// there, or who speaks in its name, a node cannot tell.
bool refused_by_its_host(const UdpObservation& udp);
// The same, or a connection without a handshake.
bool tls_or_tcp_fails(const Check& check, const Report& report);

bool is_storage(Service service);
// "host:443", or the host alone
std::string endpoint_of(const Check& check);
// {consequence} in the table's words, where the way to a proxy is stopped.
std::pair<std::string, std::string> consequence_for_proxy(const Endpoint& proxy);
const Check* check_named(const Report& report, std::string_view id);

// "4 minutes", "3.1 s", "240 ms", "0.3 ms"
std::string words(std::chrono::microseconds duration);
// "2026-11-24"
std::string date(std::chrono::sys_seconds when);
// "storage.blob/a, keyvault/b and 3 more"
std::string words(const std::vector<std::string>& items, std::size_t at_most = 4);

// Several targets with one and the same finding have one device, one tunnel, one rule set behind it: findings of one
// code get one subject, which names all of theirs.
std::vector<Finding> as_one(std::vector<Finding> findings);

// One cause, and no check in the plan that stands for it: the first required check that it hits fails in the name of
// all, and the others wait for it (diagnosis-codes, rule 7).
void let_one_stand_for_all(const Report& report, Finding& finding);

bool contains(const std::vector<std::string>& items, std::string_view item);
void add_once(std::vector<std::string>& items, const std::string& item);

}  // namespace vnetprobe
