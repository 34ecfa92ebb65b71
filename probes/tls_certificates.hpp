#pragma once

#include "probes/observation/tls.hpp"
#include "probes/remembered.hpp"

#include <openssl/ssl.h>

namespace vnetprobe {

// A certificate as an observation: names printable, SANs bounded at 20.
Certificate describe_certificate(X509* certificate);

// The chain as the peer sent it, leaf first, bounded at 10 certificates; the rest is counted.
void describe_chain(const SSL* ssl, Remembered<Certificate>& by_digest, TlsObservation& into);

// RFC 2253 with UTF-8 kept and control characters escaped.
std::string printable_name(const X509_NAME* name);

}  // namespace vnetprobe
