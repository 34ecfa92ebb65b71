#pragma once

#include "reports/model/report.hpp"

namespace vnetprobe {

// The whole judgement, pure: sets every check's verdict, reason and diagnoses, the report's diagnoses, summary and
// verdict from the observations. Whatever of these the report already had is replaced, so a saved report can be
// diagnosed again.
void diagnose(Report& report);

// product.md 2: 0, 1 by verdict of the required checks. A required check left undecided counts when the run was not
// complete; one that this user has no right to decide never does.
int exit_status(const Report& report);

// What the agent should ask next about a check whose stack has just stopped, from what it has seen so far.
// Pure: the runner carries it out and adds the observations with `because` as `follow_up`.
enum class FollowUpKind {
  dns_tcp_same_server,   // TCP/53 to a server that was silent or truncated over UDP
  dns_azure,             // 168.63.129.16 for the same name, where it is not already among the resolvers
  http_without_upgrade,  // the WebSocket request as a plain GET
  tls_direct,            // connect and handshake without the proxy
  proxy_by_address,      // through the proxy once more, to the address `server` instead of the name
  through_proxy,      // through the proxy `name` (a URL), which some place on this node sets and this run does not use
  udp_same_target,    // a datagram to a silent TCP target: a local filter refuses it with EPERM
  path_syn,           // a SYN with every TTL to `server`
  path_client_hello,  // a ClientHello with every TTL to `server`, up to `hops`
  tls_without_name,   // the handshake with `server` without SNI
  tls_only_12,        // the handshake with `server`, offering TLS 1.2 only
  tls_other_name,     // the handshake with `server` for `name`, which is answered elsewhere
  same_again,         // the failed layer once more
  small_segments,     // the same with segments of 1200 bytes in both directions
  big_request,        // the request with headers that fill several segments
  big_request_in_small_segments,
  dns_with_search,           // the name through the C library as programs ask, search list and all
  as_browser,                // the same request with the User-Agent of a browser
  as_post,                   // the same request as a POST with a small body
  as_big_post,               // the same with a body of 64 KiB
  websocket_other_spelling,  // the upgrade with the Connection header that browsers send
  tcp_other_answer,          // a connection to `server`, which another DNS server gives for the name
  tcp_again,                 // several connections more, at once: is the silence of every one?
  dns_again,                 // the same question to the server `server`, when the burst of questions is over
  afresh,                    // the whole climb once more: the network lost the first one
};
struct FollowUp {
  FollowUpKind kind{};
  std::optional<Endpoint> server;  // where to ask; absent: where the check's own climb goes
  std::string name;                // for tls_other_name
  int hops{};                      // for the path kinds
  std::string because;             // one line for the reader: "10.0.0.10 did not answer over UDP; does it over TCP?"
};
std::vector<FollowUp> next_questions(const Check& check);

// What a climb that succeeds afresh makes of the one before: evidence of a loss, and no part of the check's stack any
// more. `follow_up` of its observations begins with this.
inline constexpr std::string_view first_attempt = "the first attempt: ";

// What only the other checks' answers make worth asking, once all have climbed.
struct CrossQuestion {
  std::size_t check{};  // its place
  FollowUp question;
};
std::vector<CrossQuestion> cross_questions(const std::vector<Check>& checks);

}  // namespace vnetprobe
