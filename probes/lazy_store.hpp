#pragma once

#include <openssl/x509.h>

#include <string>

namespace vnetprobe {

// Adds the certificates of a PEM file to a store that decodes each when a chain asks for its subject: of a hundred and
// fifty roots a run needs three, and decoding them all takes as long as a request. False: the file cannot be read.
bool add_lazily(X509_STORE* store, const std::string& file);

}  // namespace vnetprobe
