#pragma once

#include "probes/public_roots.hpp"
#include "probes/remembered.hpp"
#include "probes/tls.hpp"

#include <openssl/ssl.h>

#include <set>

// What the TLS context and the TLS probe share; nobody else's business.
namespace vnetprobe {

// What holding a chain against this run's stores came to, whatever name was asked for.
struct ChainVerdict {
  int code{X509_V_OK};  // the first error
  int depth{};          // where it is, 0 for the leaf
  TrustAnchor trust_anchor{};
  std::optional<std::string> anchor_subject;
  std::optional<bool> publicly_trusted;
};

struct TlsContext::State {
  asio::ssl::context context{asio::ssl::context::tls_client};
  std::set<std::string> user_anchors;  // SHA-256 (raw) of the certificates that the user's files hold
  std::shared_ptr<const PublicRoots> public_roots;
  // Many names of Azure share a certificate: each chain is verified, and each certificate put into words, once a run.
  Remembered<ChainVerdict> verdicts{1000};     // by the digests of its certificates
  Remembered<Certificate> certificates{1000};  // by digest
  // The list is read when the first chain is held against it.
  const PublicRoots& publicly_trusted() const { return public_roots ? *public_roots : PublicRoots::built_in(); }
};

// What the callbacks of one handshake saw. Lives in the probe's frame; the SSL object points at it.
struct HandshakeRecord {
  ChainVerdict verdict;
  bool client_certificate_requested{};
  bool server_spoke{};
  int alert{-1};  // description of the fatal alert received
};

// The index of the record among an SSL's extra data.
int handshake_record_index();

}  // namespace vnetprobe
