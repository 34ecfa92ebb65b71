#pragma once

#include "probes/public_roots.hpp"
#include "probes/tls.hpp"

#include <openssl/ssl.h>

#include <set>

// What the TLS context and the TLS probe share; nobody else's business.
namespace vnetprobe {

struct TlsContext::State {
  asio::ssl::context context{asio::ssl::context::tls_client};
  std::set<std::string> user_anchors;  // SHA-256 (raw) of the certificates that the user's files hold
  std::shared_ptr<const PublicRoots> public_roots;
  // The list is read when the first chain is held against it.
  const PublicRoots& publicly_trusted() const { return public_roots ? *public_roots : PublicRoots::built_in(); }
};

// What the callbacks of one handshake saw. Lives in the probe's frame; the SSL object points at it.
struct HandshakeRecord {
  int verify_code{X509_V_OK};
  int verify_depth{};
  bool client_certificate_requested{};
  bool server_spoke{};
  int alert{-1};  // description of the fatal alert received
};

// The index of the record among an SSL's extra data.
int handshake_record_index();

}  // namespace vnetprobe
