#pragma once

#include "probes/observation/endpoint.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vnetprobe {

enum class TlsFailure {
  timed_out,   // the handshake did not end within the limit
  reset,       // RST during the handshake
  closed,      // EOF during the handshake
  alert,       // the peer sent a fatal alert: `alert_received`
  protocol,    // the peer's bytes are not TLS, or the library refused them: `detail`
  unverified,  // the handshake ended, the chain or the name did not verify: `verify_error`
};
BOOST_DESCRIBE_ENUM(TlsFailure, timed_out, reset, closed, alert, protocol, unverified)

struct Certificate {
  std::string subject;  // RFC 2253, e.g. "CN=*.blob.core.windows.net,O=Microsoft Corporation,C=US"
  std::string issuer;
  std::string subject_organization;  // O, empty when absent
  std::string issuer_organization;
  std::vector<std::string> dns_names;  // SAN dNSName and iPAddress; bounded
  int dns_names_left_out{};
  std::chrono::sys_seconds not_before{};
  std::chrono::sys_seconds not_after{};
  std::string sha256;  // hex, lower case
  bool self_signed{};
};
BOOST_DESCRIBE_STRUCT(Certificate, (),
                      (subject, issuer, subject_organization, issuer_organization, dns_names, dns_names_left_out,
                       not_before, not_after, sha256, self_signed))

// Which store holds the root that the chain was verified against.
enum class TrustAnchor {
  none,         // not verified
  user_file,    // --ca-file or tls.ca_files
  system_store  // the operating system's store
};
BOOST_DESCRIBE_ENUM(TrustAnchor, none, user_file, system_store)

// One TLS handshake. The handshake goes on when verification fails, so that the chain and what follows stay visible.
struct TlsObservation {
  Endpoint remote;
  std::string sni;                             // empty: none was sent
  std::optional<std::string> offered_at_most;  // an experiment: the newest version offered
  std::chrono::microseconds duration{};
  std::optional<TlsFailure> error;
  std::optional<std::string> detail;          // OpenSSL's reason or errno
  std::optional<std::string> alert_received;  // "handshake_failure", "protocol_version", ... RFC 8446 names
  bool server_hello_received{};               // any handshake byte came from the peer
  std::optional<std::string> version;         // "TLSv1.3"
  std::optional<std::string> cipher;
  std::optional<std::string> alpn;
  bool client_certificate_requested{};
  std::vector<Certificate> chain;  // as sent by the peer, leaf first; bounded
  int chain_left_out{};
  bool verified{};                          // chain, validity and name
  int verify_code{};                        // X509_V_ERR_*
  std::optional<std::string> verify_error;  // X509_verify_cert_error_string; "hostname mismatch" for the name
  int verify_depth{};
  TrustAnchor trust_anchor{};
  std::optional<std::string> anchor_subject;  // of the root in our store
  // Whether the chain leads to an authority that browsers and Python's certifi trust; absent: nobody asked, since the
  // user's own file vouches for it, or the failure is another.
  std::optional<bool> publicly_trusted;
};
BOOST_DESCRIBE_STRUCT(TlsObservation, (),
                      (remote, sni, offered_at_most, duration, error, detail, alert_received, server_hello_received,
                       version, cipher, alpn, client_certificate_requested, chain, chain_left_out, verified,
                       verify_code, verify_error, verify_depth, trust_anchor, anchor_subject, publicly_trusted))

}  // namespace vnetprobe
