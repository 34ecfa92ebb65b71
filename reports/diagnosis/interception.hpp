#pragma once

#include "reports/diagnosis/answers.hpp"

#include <map>
#include <set>

namespace vnetprobe {

// Who vouches for Microsoft's names in this run. A certificate authority that the user named (--ca-file, tls.ca_files)
// is taken at its word, unless the run itself shows that it is an inspector: its names say so, or others vouch for the
// rest of Microsoft's names.
class Anchors {
 public:
  explicit Anchors(const Report& report);

  // Why this certificate for a Microsoft name is an inspector's work; empty: nothing says so (azure-facts 8.3).
  std::string sign_of_interception(const TlsObservation& tls) const;

  // The issuer of `certificate` is one that Microsoft uses, or that another chain of this run verified through.
  bool is_known_issuer(const Certificate& certificate) const;

 private:
  std::map<std::string, int> user_anchors_;  // of verified Microsoft targets: the root's name, and how many
  std::set<std::string> expected_anchors_;   // those of them whose own or issuing organisation is Microsoft's
  std::set<std::string> verified_issuers_;   // issuers within verified chains
};

// What a product that inspects TLS writes into its certificates' names, where the chain has such a name; empty: none.
std::string_view inspector_in(const TlsObservation& tls);

// The organisations that issue certificates for Microsoft's services (azure-facts 8.1, 8.3).
bool is_expected_issuer(const Certificate& certificate);

// Some other host's Date agrees with this node's clock.
bool clock_is_confirmed(const Report& report);

}  // namespace vnetprobe
