#pragma once

#include <openssl/x509.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe {

// The authorities that browsers, Python's certifi and a fresh Ubuntu trust: what a chain is held against beside this
// node's own store, to tell a store that lacks a public root from a root that only this node knows.
class PublicRoots {
 public:
  // Mozilla's list as the binary carries it (probes/roots). Read when first used.
  static const PublicRoots& built_in();

  // Certificates in DER, one after the other; what follows a broken one is left out.
  explicit PublicRoots(std::string certificates);
  ~PublicRoots();

  bool contains(X509* certificate) const;
  // The chain as a server sent it, leaf first: whether it leads to one of them, at the time of this node's clock.
  bool verifies(STACK_OF(X509) * chain) const;
  std::size_t size() const { return each_.size(); }

 private:
  X509_STORE* store() const;

  std::string certificates_;
  std::vector<std::string_view> each_;
  std::set<std::string> digests_;  // SHA-256 of each
  mutable std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store_;
};

}  // namespace vnetprobe
