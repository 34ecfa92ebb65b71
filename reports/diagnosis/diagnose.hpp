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
};
struct FollowUp {
  FollowUpKind kind{};
  std::optional<Endpoint> server;  // for the DNS kinds
  std::string because;             // one line for the reader: "10.0.0.10 did not answer over UDP; does it over TCP?"
};
std::vector<FollowUp> next_questions(const Check& check);

}  // namespace vnetprobe
