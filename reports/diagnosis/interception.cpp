#include "reports/diagnosis/interception.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace vnetprobe {
namespace {

constexpr std::array<std::string_view, 6> expected_organisations{
    "Microsoft Corporation", "DigiCert Inc", "DigiCert, Inc.", "D-Trust GmbH", "D-TRUST GmbH", "Baltimore"};

// What inspecting proxies and firewalls write into the certificates that they make.
constexpr std::array<std::string_view, 22> inspectors{"mitmproxy",
                                                      "zscaler",
                                                      "netskope",
                                                      "palo alto",
                                                      "fortinet",
                                                      "fortigate",
                                                      "blue coat",
                                                      "bluecoat",
                                                      "symantec ssl visibility",
                                                      "check point",
                                                      "sophos",
                                                      "cisco umbrella",
                                                      "squid",
                                                      "mcafee web gateway",
                                                      "forcepoint",
                                                      "websense",
                                                      "barracuda",
                                                      "azure firewall",
                                                      "inspection",
                                                      "intercept",
                                                      "proxy ca",
                                                      "mitm"};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool any_expected(const TlsObservation& tls) { return std::ranges::any_of(tls.chain, is_expected_issuer); }

}  // namespace

bool is_expected_issuer(const Certificate& certificate) {
  return std::ranges::find(expected_organisations, certificate.issuer_organization) != expected_organisations.end();
}

bool clock_is_confirmed(const Report& report) {
  return std::ranges::any_of(answers_of(all_checks(report)), [](const ServiceAnswer& answer) {
    return answer.clock_offset && std::chrono::abs(*answer.clock_offset) <= std::chrono::minutes(5);
  });
}

std::string_view inspector_in(const TlsObservation& tls) {
  std::string names = tls.anchor_subject.value_or("");
  for (const auto& certificate : tls.chain) names += "\n" + certificate.issuer;
  names = lower(names);
  for (const auto name : inspectors)
    if (names.find(name) != std::string::npos) return name;
  return {};
}

Anchors::Anchors(const Report& report) {
  for (const auto& tls : cited<TlsObservation>(all_checks(report))) {
    if (!tls->verified) continue;
    for (const auto& certificate : tls->chain) verified_issuers_.insert(certificate.issuer);
    if (tls->trust_anchor != TrustAnchor::user_file || !is_microsoft(tls.check->target.service)) continue;
    const std::string anchor = tls->anchor_subject.value_or("");
    ++user_anchors_[anchor];
    if (any_expected(*tls)) expected_anchors_.insert(anchor);
  }
}

bool Anchors::is_known_issuer(const Certificate& certificate) const {
  return is_expected_issuer(certificate) || verified_issuers_.contains(certificate.issuer);
}

std::string Anchors::sign_of_interception(const TlsObservation& tls) const {
  // No inspector has a certificate of an authority that the whole world trusts, and Microsoft may change its own.
  if (any_expected(tls) || tls.publicly_trusted.value_or(false)) return {};
  if (const auto product = inspector_in(tls); !product.empty())
    return fmt::format("its names say '{}', and no authority of Microsoft's is among them", product);
  if (!tls.verified) {
    // A server that keeps its intermediate to itself is known by who issues to the others.
    if (std::ranges::any_of(tls.chain, [&](const Certificate& one) { return verified_issuers_.contains(one.issuer); }))
      return {};
    return "none of the authorities that issue for Microsoft";
  }
  if (tls.trust_anchor == TrustAnchor::system_store)
    return "an authority of this machine's store, and none that issues for Microsoft";
  // The user's own authorities: more than one for Microsoft's names, and this one is the odd one.
  const std::string anchor = tls.anchor_subject.value_or("");
  const auto mine = user_anchors_.find(anchor);
  if (user_anchors_.size() < 2 || mine == user_anchors_.end()) return {};
  if (!expected_anchors_.empty())
    return fmt::format("other names of Microsoft's verify through {}", *expected_anchors_.begin());
  const auto most = std::ranges::max_element(user_anchors_, {}, [](const auto& row) { return row.second; });
  return most->second > mine->second ? fmt::format("most names of Microsoft's verify through {}", most->first)
                                     : std::string();
}

}  // namespace vnetprobe
