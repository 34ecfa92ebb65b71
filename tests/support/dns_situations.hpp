#pragma once

#include "tests/support/evidence.hpp"

#include <gtest/gtest.h>

// Networks in which DNS is odd and right, or odd and not the cause, each beside the fault that looks like it.
namespace vnetprobe::test {

inline const std::string blob = "acct.blob.core.windows.net";
inline const std::string privatelink = blob + " -> acct.privatelink.blob.core.windows.net";
inline const std::string from_outside = privatelink + " -> blob.bn9prdstr02a.store.core.windows.net -> 20.60.0.1";
inline constexpr auto azure = "168.63.129.16";
inline constexpr auto stub = "127.0.0.53";
inline const std::string aaaa = "AAAA";

using Steps = std::vector<Observation>;  // of one climb, from its name upwards

inline Steps operator+(Steps first, const Steps& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The layers above the name, all well.
inline Steps works(const std::string& host, const std::string& address, int status = 200) {
  return {tcp(address + ":443"), tls(address + ":443", host),
          http("https://" + host + "/", status, {{"x-ms-request-id", "1"}}, "", "NoAuthenticationInformation")};
}

inline Observation wrong_name(const std::string& address, const std::string& host) {
  auto seen = tls_seen(address + ":443", host);
  seen.verified = false;
  seen.error = TlsFailure::unverified;
  seen.verify_code = 62;
  return {.seen = std::move(seen), .follow_up = {}};
}

inline Observation repeated(Observation connection) {
  std::get<TcpObservation>(connection.seen).retransmissions = 1;
  return connection;
}

inline Observation gave_up(const std::string& host) {
  auto seen = libc(host + " -> timeout");
  std::get<DnsObservation>(seen.seen).error = DnsFailure::libc_error;
  return seen;
}

inline Check storage(Steps seen, std::optional<std::string> expected = {}) {
  return expects_private(check("storage.blob/acct", "https://" + blob + "/", std::move(seen), Service::storage_blob),
                         "privatelink.blob.core.windows.net", std::move(expected));
}
inline Check undeclared(Steps seen) {
  return check("storage.blob/acct", "https://" + blob + "/", std::move(seen), Service::storage_blob);
}
inline Check user(const std::string& host, Steps seen) {
  return check("target." + host, "https://" + host + "/", std::move(seen), Service::user);
}
inline Check fine(int n = 0) {
  const auto host = "ok" + std::to_string(n) + ".contoso.com", address = "20.9.9." + std::to_string(10 + n);
  return user(host, Steps{libc(host + " -> " + address), dns(host + " -> " + address)} + works(host, address));
}
inline Check over_lossy_way(int n) {
  auto made = fine(n);
  for (auto& one : made.observations)
    if (std::holds_alternative<TcpObservation>(one.seen)) one = repeated(one);
  return made;
}

inline std::vector<Check> beside(std::vector<Check> checks, int fine_ones, Check (*made)(int) = fine) {
  for (int n = 0; n < fine_ones; ++n) checks.push_back(made(n));
  return checks;
}

inline Report with_servers(std::vector<NodeResolver> resolvers, std::vector<Check> checks) {
  auto made = report(std::move(checks));
  made.node.resolvers = std::move(resolvers);
  return made;
}
inline Report with_stub(Check one) {
  return with_servers({{.value = stub, .stub = true}, {.value = azure}}, beside({std::move(one)}, 2));
}

struct Situation {
  const char* name;
  Report report;
  std::string expected;  // the only code above info; "": none

  friend void PrintTo(const Situation& one, std::ostream* out) { *out << one.name; }
};

// The first code, alone; a situation that expects none is a healthy network.
inline void expect_blame(const Situation& one) {
  const auto seen = diagnosed(one.report);
  EXPECT_EQ(first_code(seen), one.expected);
  EXPECT_LE(codes(seen).size(), 1u);
  if (one.expected.empty()) {
    EXPECT_EQ(seen.verdict, OverallVerdict::healthy);
  }
}

}  // namespace vnetprobe::test
