#pragma once

#include "reports/diagnosis/cited.hpp"

#include <functional>

// What each source said about one check's name, put together from its questions (A, AAAA, UDP, TCP).
namespace vnetprobe {

enum class AnswerKind {
  silent,       // no answer at all
  unreachable,  // the network or the node refused the question
  malformed,
  alias_loop,
  refused,
  servfail,
  truncated,  // cut short, and not fetched over TCP
  nxdomain,
  nodata,
  private_address,  // every address is private
  public_address,   // at least one is public
  other_address,    // loopback, link-local and the like
};

struct Answer {
  std::string source;  // "10.0.0.10", "10.0.0.10:5353", "the node's resolver library"
  std::optional<Endpoint> server;
  AnswerKind kind{AnswerKind::silent};
  std::vector<std::string> addresses;
  std::vector<std::string> chain;  // names that the answer passes through, the asked one left out
  std::vector<Cited<DnsObservation>> seen;
  Cited<DnsObservation> telling;  // the observation that decided `kind`

  bool has_address() const { return !addresses.empty(); }
  bool exists_not() const { return kind == AnswerKind::nxdomain; }
  // The server itself spoke, whatever it said.
  bool spoke() const { return kind != AnswerKind::silent && kind != AnswerKind::unreachable; }
  // The library tells only the last name of a chain.
  bool libc_only_name() const;
  // "acct.privatelink.blob.core.windows.net", or ""
  std::string privatelink_name() const;
  // "10.0.0.10: acct.blob... -> acct.privatelink... -> 20.60.0.1"
  std::string words() const;
};

struct DnsView {
  const Check* check{};
  bool names_target{};          // is_about_its_target(*check)
  std::vector<Answer> servers;  // those of the check's own stack, in the order asked
  std::optional<Answer> libc;
  std::optional<Answer> azure;  // 168.63.129.16, asked as an experiment and not among `servers`

  // Answers that speak for what programs get: the servers', and the library's where no server was asked.
  std::vector<const Answer*> own() const;
  bool any_address() const;
  // What a program uses: the library's answer, else the first server's that has an address, else the first that spoke.
  const Answer* in_use() const;
};

DnsView view_dns(const Check& check);

// Of every check that asked for a name, in plan order.
std::vector<DnsView> all_views(const Report& report);
using DnsViews = std::vector<std::reference_wrapper<const DnsView>>;
// Those of the open checks.
DnsViews open_views(const Evidenced& evidence);

// The questions were about the check's own host, and not about a proxy's that stands before it.
bool is_about_its_target(const Check& check);
// Those of the open checks whose names are their targets'. A resolver's own check asks only to see whether that server
// lives.
DnsViews views_of_targets(const Evidenced& evidence);

// A local forwarder that only passes on what its upstream says.
bool is_stub(const Report& report, const Endpoint& server);
bool share_an_address(const std::vector<std::string>& some, const std::vector<std::string>& others);
// Programs ask a stub of this node, and get their address from it. Which server is asked for which name is then the
// stub's business: those of a second link may know that link's names only.
bool asks_a_working_stub(const Report& report, const DnsView& view);
// The library found an address that is not simply in the hosts file.
bool library_resolves(const Report& report);
// Packets get lost in this run, or DNS answers come only when asked for again: one failure alone may be chance.
bool answers_are_unsteady(const Report& report);
// An answer of 192.0.2.53, where no server can be (RFC 5737): something on the path answers in its place.
std::optional<Cited<DnsObservation>> answer_from_nowhere(const Report& report);
// "10.0.0.10"; with the port where it is not 53
std::string name_of_server(const Endpoint& server);
// The check of that resolver itself, where the plan has one.
const Check* resolver_check(const Report& report, const Endpoint& server);
bool is_resolver_check(const Check& check);

// "privatelink.blob.core.windows.net" of "acct.privatelink.blob.core.windows.net"
std::string zone_of(const std::string& privatelink_name);

}  // namespace vnetprobe
