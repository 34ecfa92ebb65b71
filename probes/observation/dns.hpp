#pragma once

#include "probes/observation/endpoint.hpp"
#include "probes/observation/icmp.hpp"
#include "probes/observation/rare.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vnetprobe {

enum class DnsVia {
  libc,    // getaddrinfo: what programs on this node see (hosts file, NSS, search list, every configured resolver)
  server,  // one question put to one server
};
BOOST_DESCRIBE_ENUM(DnsVia, libc, server)

enum class DnsTransport { udp, tcp };
BOOST_DESCRIBE_ENUM(DnsTransport, udp, tcp)

// Why no usable answer came. A NOERROR answer without records of the asked type (NODATA) is not a failure.
enum class DnsFailure {
  timed_out,    // no answer within the limit
  unreachable,  // the kernel or the network reported an error (ICMP, refused TCP connection, no route)
  nxdomain,     // rcode 3
  servfail,     // rcode 2
  refused,      // rcode 5
  other_rcode,  // any other rcode than NOERROR
  malformed,    // the answer cannot be decoded, or does not match the question
  alias_loop,   // the answer's CNAME chain leads back to itself
  no_resolver,  // there is no server to ask
  libc_error,   // getaddrinfo failed in another way; `detail` has its words
};
BOOST_DESCRIBE_ENUM(DnsFailure, timed_out, unreachable, nxdomain, servfail, refused, other_rcode, malformed, alias_loop,
                    no_resolver, libc_error)

// One record of the answer section, in the order received. `data` is the address or the target name (no trailing dot).
struct DnsRecord {
  std::string name;
  std::string type;  // "A", "AAAA", "CNAME", else "TYPE<n>"
  std::string data;
  std::uint32_t ttl{};
};
BOOST_DESCRIBE_STRUCT(DnsRecord, (), (name, type, data, ttl))

// A line of the hosts file that names the host.
struct HostsLine {
  std::string file;
  int line{};
  std::string address;
};
BOOST_DESCRIBE_STRUCT(HostsLine, (), (file, line, address))

// One question and what came back. `libc` asks for both families at once (`question` is "A+AAAA").
struct DnsObservation {
  std::string name;  // absolute, without the trailing dot
  DnsVia via{};
  std::optional<Endpoint> server;         // via server
  std::optional<DnsTransport> transport;  // via server
  std::optional<int> sent;                // over UDP: datagrams, where the first one alone brought no answer
  std::string question;                   // "A", "AAAA" or "A+AAAA"
  std::chrono::microseconds duration{};
  std::optional<DnsFailure> error;
  std::optional<std::string> detail;      // the library's or the kernel's own words ("EAI_AGAIN: Temporary ...")
  std::optional<std::string> errno_name;  // unreachable: "ECONNREFUSED"
  Rare<IcmpError> icmp;                   // unreachable: who said so, where it was not this node's kernel
  std::optional<std::string> rcode;       // "NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", else "RCODE<n>"
  bool truncated{};                       // TC bit of the answer
  bool authoritative{};                   // AA bit
  bool recursion_available{};             // RA bit
  std::vector<DnsRecord> answers;         // bounded; `answers_left_out` counts what was dropped
  int answers_left_out{};
  std::vector<std::string> addresses;         // of the asked families, in the order received, without duplicates
  std::vector<HostsLine> hosts_lines;         // via libc: lines that name the host, whichever source NSS took
  std::optional<std::string> canonical_name;  // via libc: AI_CANONNAME where it differs from the name asked
  std::optional<bool> with_search;            // via libc, an experiment: the search list was allowed
};
BOOST_DESCRIBE_STRUCT(DnsObservation, (),
                      (name, via, server, transport, sent, question, duration, error, detail, errno_name, icmp, rcode,
                       truncated, authoritative, recursion_available, answers, answers_left_out, addresses, hosts_lines,
                       canonical_name, with_search))

}  // namespace vnetprobe
