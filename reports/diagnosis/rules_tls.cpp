#include "reports/diagnosis/addresses.hpp"
#include "reports/diagnosis/experiments.hpp"
#include "reports/diagnosis/interception.hpp"

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

using Tls = Cited<TlsObservation>;

// X509_V_ERR_* of OpenSSL, kept as numbers so that rules stay free of it.
constexpr int issuer_of_issuer_unknown = 2, not_yet_valid = 9, expired = 10, leaf_self_signed = 18, root_unknown = 19,
              issuer_unknown = 20, leaf_unverifiable = 21, not_trusted = 27;
constexpr int host_mismatch = 62, address_mismatch = 64;

// The codes that are about who issued: nobody whom this node knows. All others are about the certificate itself.
bool chain_is_untrusted(const TlsObservation& tls) {
  constexpr std::array codes{issuer_of_issuer_unknown, leaf_self_signed,  root_unknown,
                             issuer_unknown,           leaf_unverifiable, not_trusted};
  return std::ranges::find(codes, tls.verify_code) != codes.end();
}

std::vector<Tls> unverified(const Evidenced& evidence) {
  auto all = cited<TlsObservation>(evidence.open);
  std::erase_if(all, [](const Tls& tls) { return tls->error != TlsFailure::unverified || tls->chain.empty(); });
  return all;
}

std::vector<Tls> broken(const Evidenced& evidence, TlsFailure how) {
  auto all = cited<TlsObservation>(evidence.open);
  std::erase_if(all, [&](const Tls& tls) { return tls->error != how; });
  return all;
}

Finding about(const Tls& tls, std::string code, std::string subject, Confidence confidence, std::string words) {
  Finding finding{.code = std::move(code), .subject = std::move(subject), .confidence = confidence};
  finding.checks = {tls.check->id};
  finding.evidence = {tls.says(std::move(words))};
  if (!tls->chain.empty()) finding.values = {{"issuer", tls->chain.front().issuer}};
  finding.values.emplace_back("address", tls->remote.address);
  return finding;
}

// The peer said why it ended the handshake.
std::vector<Finding> alerts(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : broken(evidence, TlsFailure::alert)) {
    const std::string alert = tls->alert_received.value_or("");
    const std::string host = tls.check->target.host;
    const std::string words = fmt::format("{} ended the handshake with the alert {}", to_string(tls->remote), alert);
    if (alert == "protocol_version")
      findings.push_back(about(tls, "tls.version_rejected", host, Confidence::proven, words));
    else if (alert == "no_application_protocol")
      findings.push_back(about(tls, "tls.alpn_mismatch", host, Confidence::proven, words));
    else if (tls->client_certificate_requested || alert == "certificate_required")
      findings.push_back(about(tls, "tls.client_cert_required", host, Confidence::proven,
                               words + ", after asking for a client certificate"));
    else if (alert == "handshake_failure" || alert == "insufficient_security" || alert == "illegal_parameter")
      findings.push_back(about(tls, "tls.cipher_rejected", host, Confidence::likely, words));
    else
      findings.push_back(about(tls, "tls.reset_after_client_hello", host, Confidence::possible, words));
  }
  return findings;
}

// TLS 1.3 asks for the client's certificate in a handshake that ends well without one, and refuses afterwards.
std::vector<Finding> client_certificate_is_missed(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto* check : evidence.open) {
    const auto handshakes = cited<TlsObservation>(*check);
    const auto requests = cited<HttpObservation>(*check);
    if (handshakes.empty() || requests.empty() || !check->finished) continue;
    const auto& tls = handshakes.back();
    const auto error = requests.back()->error;
    const bool told = error == HttpFailure::certificate_required;
    const bool hung_up =
        error == HttpFailure::closed || error == HttpFailure::reset || error == HttpFailure::send_failed;
    if (!told && !(hung_up && tls->client_certificate_requested && !good_second_answer(*check))) continue;
    auto finding =
        about(tls, "tls.client_cert_required", check->target.host, told ? Confidence::proven : Confidence::possible,
              fmt::format("{} asked for a client certificate", to_string(tls->remote)));
    finding.evidence.push_back(requests.back().says(told ? "it ended the connection with the alert certificate_required"
                                                         : "it ended the connection before an answer to the request"));
    if (!told) finding.alternatives = {"the server ends the connection for another reason"};
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Wrong dates on a certificate whose chain is otherwise right. A wrong clock was looked for before (rules_clock).
std::vector<Finding> validity(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : unverified(evidence)) {
    if (tls->verify_code != expired && tls->verify_code != not_yet_valid) continue;
    const auto depth =
        std::min<std::size_t>(static_cast<std::size_t>(std::max(tls->verify_depth, 0)), tls->chain.size() - 1);
    const Certificate& certificate = tls->chain[depth];
    const bool over = tls->verify_code == expired;
    const std::string words =
        over ? fmt::format("the certificate of {} expired on {}", certificate.subject, date(certificate.not_after))
             : fmt::format("the certificate of {} is valid only from {}", certificate.subject,
                           date(certificate.not_before));
    findings.push_back(about(tls, over ? "tls.cert_expired" : "tls.cert_not_yet_valid", tls.check->target.host,
                             clock_is_confirmed(evidence.report) ? Confidence::proven : Confidence::likely, words));
    if (!clock_is_confirmed(evidence.report))
      findings.back().alternatives = {"this node's clock is wrong: no other host told the time in this run"};
  }
  return findings;
}

// A genuine chain that only this node does not know: its store is what is wrong.
std::vector<Finding> store_lacks_a_public_root(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : unverified(evidence)) {
    if (!tls->publicly_trusted.value_or(false)) continue;
    findings.push_back(about(tls, "tls.untrusted_root_local", tls->chain.back().issuer, Confidence::proven,
                             fmt::format("{}: {} with this node's store, and verified by the public authorities",
                                         tls->sni, tls->verify_error.value_or("not verified"))));
  }
  return findings;
}

// Only told: the system's programs work, and whoever added the authority may have told Python too.
std::vector<Finding> python_knows_other_roots(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : cited<TlsObservation>(evidence.open)) {
    if (!tls->verified || tls->publicly_trusted.value_or(true)) continue;
    findings.push_back(about(tls, "tls.python_store_differs", tls->anchor_subject.value_or("a private authority"),
                             Confidence::likely,
                             fmt::format("the chain of {} verifies with this node's store only", tls->sni)));
    findings.back().values.emplace_back("host", tls.check->target.host);
    findings.back().only_informs = true;
  }
  return findings;
}

std::vector<Finding> intercepted(const Evidenced& evidence) {
  const bool allowed = evidence.report.node.interception_allowed && evidence.report.node.interception_allowed->value;
  const Anchors anchors(evidence.report);
  std::vector<Finding> findings;
  for (const auto& tls : cited<TlsObservation>(evidence.open)) {
    if (tls->chain.empty()) continue;
    // Who may vouch for a target of the user's own is not known; an inspector's own name tells all the same.
    const bool of_microsoft = is_microsoft(tls.check->target.service);
    const auto product = of_microsoft || tls->verified ? std::string_view{} : inspector_in(*tls);
    const auto sign = of_microsoft      ? anchors.sign_of_interception(*tls)
                      : product.empty() ? std::string{}
                                        : fmt::format("its names say '{}'", product);
    if (sign.empty()) continue;
    const std::string& issuer = tls->chain.back().issuer;
    if (tls->verified) {
      auto finding =
          about(tls, "tls.intercepted", issuer, Confidence::likely,
                fmt::format("the certificate for {} was issued by {}: {}", tls->sni, tls->chain.front().issuer, sign));
      finding.only_informs = allowed;
      findings.push_back(std::move(finding));
    } else if (chain_is_untrusted(*tls)) {
      const bool alone = tls->chain.size() == 1 && tls->chain.front().self_signed;
      auto finding = about(tls, "tls.intercepted_untrusted", issuer,
                           alone || !of_microsoft ? Confidence::likely : Confidence::proven,
                           fmt::format("the certificate for {} was issued by {}, which this node does not trust: {}",
                                       tls->sni, tls->chain.front().issuer, sign));
      if (alone)
        finding.alternatives = {"the name leads to another server, with a certificate that it made for itself"};
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

std::vector<Finding> wrong_name(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : unverified(evidence)) {
    if (tls->verify_code != host_mismatch && tls->verify_code != address_mismatch) continue;
    const auto& names = tls->chain.front().dns_names;
    findings.push_back(about(tls, "tls.name_mismatch", tls.check->target.host, Confidence::proven,
                             fmt::format("{} presents a certificate for {}", to_string(tls->remote),
                                         names.empty() ? tls->chain.front().subject : words(names))));
  }
  return findings;
}

// What does not verify, and is no interception: an intermediate that the server keeps to itself, or an authority that
// is not known here.
std::vector<Finding> untrusted(const Evidenced& evidence) {
  const Anchors anchors(evidence.report);
  std::vector<Finding> findings;
  for (const auto& tls : unverified(evidence)) {
    if (!chain_is_untrusted(*tls)) continue;
    const Certificate& last = tls->chain.back();
    const bool left_out = tls->verify_code == issuer_unknown || tls->verify_code == leaf_unverifiable ||
                          tls->verify_code == issuer_of_issuer_unknown;
    if (left_out && !last.self_signed && anchors.is_known_issuer(last)) {
      findings.push_back(about(tls, "tls.incomplete_chain", tls.check->target.host, Confidence::likely,
                               fmt::format("the server sent {} certificate{} and not that of the issuer {}",
                                           tls->chain.size(), tls->chain.size() == 1 ? "" : "s", last.issuer)));
      continue;
    }
    findings.push_back(about(tls, "tls.untrusted_issuer", last.issuer, Confidence::proven,
                             fmt::format("{}: {}, issued by {}", tls->sni, tls->verify_error.value_or("not verified"),
                                         tls->chain.front().issuer)));
  }
  return findings;
}

// Everything else that OpenSSL minds: a weak key, a wrong purpose, a revocation, a broken signature. It says what is
// wrong with the certificate, and not whose fault that is.
std::vector<Finding> not_acceptable(const Evidenced& evidence) {
  std::vector<Finding> findings;
  for (const auto& tls : unverified(evidence)) {
    findings.push_back(
        about(tls, "tls.cert_rejected", tls.check->target.host, Confidence::likely,
              fmt::format("{}: {} (code {} of OpenSSL), issued by {}", tls->sni,
                          tls->verify_error.value_or("not verified"), tls->verify_code, tls->chain.front().issuer)));
    findings.back().values.emplace_back("problem", tls->verify_error.value_or("it does not verify"));
  }
  return findings;
}

// " for a.example"; nothing where none was sent.
std::string for_name(const TlsObservation& tls) { return tls.sni.empty() ? "" : " for " + tls.sni; }

// Many names that are cut on one way out are cut by one device.
std::vector<Finding> cut_off(const Evidenced& evidence) {
  std::vector<Finding> to_the_internet, within;
  std::vector<Finding> others;
  for (const auto& tls : cited<TlsObservation>(evidence.open)) {
    const auto again = answered_again(*tls.check, *tls);
    if (again && was_cut(*tls)) {  // it got lost, or the server was busy
      others.push_back(about(tls, "tcp.loss", "several targets", Confidence::possible,
                             fmt::format("the handshake{} was cut", for_name(*tls))));
      others.back().evidence.push_back(again->says("the same handshake once more was answered"));
      others.back().only_informs = true;
      continue;
    }
    // A service of Azure speaks TLS: there, something else is somebody else's answer.
    const bool of_user = tls.check->target.service == Service::user || tls.check->target.service == Service::none;
    if (of_user && tls->error == TlsFailure::protocol) {
      others.push_back(
          about(tls, "tls.not_tls", endpoint_of(*tls.check), Confidence::possible,
                fmt::format("{} answered the ClientHello{} with {}", to_string(tls->remote), for_name(*tls),
                            tls->server_hello_received
                                ? "a ServerHello, and then with what no client takes: " + tls->detail.value_or("")
                                : "something that is not TLS")));
      continue;
    }
    auto& findings = is_public(tls->remote.address) ? to_the_internet : within;
    if (tls->error == TlsFailure::reset || tls->error == TlsFailure::closed || tls->error == TlsFailure::protocol) {
      const char* how = tls->error == TlsFailure::reset    ? "was reset"
                        : tls->error == TlsFailure::closed ? "was closed"
                                                           : "brought something that is not TLS";
      findings.push_back(about(tls, "tls.reset_after_client_hello", tls.check->target.host, Confidence::possible,
                               fmt::format("the connection to {} {} {} after the ClientHello{}", to_string(tls->remote),
                                           how, words(tls->duration), for_name(*tls))));
    } else if (tls->error == TlsFailure::timed_out && tls.check->finished) {
      findings.push_back(about(tls, "tls.timeout_after_client_hello", tls.check->target.host, Confidence::possible,
                               fmt::format("{} accepted the connection and said nothing for {} after the ClientHello{}",
                                           to_string(tls->remote), words(tls->duration), for_name(*tls))));
    }
  }
  auto findings = as_one(std::move(to_the_internet));
  for (auto& finding : as_one(std::move(within))) findings.push_back(std::move(finding));
  for (auto& other : others) findings.push_back(std::move(other));
  return findings;
}

}  // namespace

std::span<const NamedRule> tls_rules() {
  static constexpr std::array rules{NamedRule{"tls.alerts", alerts},
                                    NamedRule{"tls.client_cert_required", client_certificate_is_missed},
                                    NamedRule{"tls.validity", validity},
                                    NamedRule{"tls.untrusted_root_local", store_lacks_a_public_root},
                                    NamedRule{"tls.python_store_differs", python_knows_other_roots},
                                    NamedRule{"tls.intercepted", intercepted},
                                    NamedRule{"tls.name_mismatch", wrong_name},
                                    NamedRule{"tls.untrusted", untrusted},
                                    NamedRule{"tls.cert_rejected", not_acceptable},
                                    NamedRule{"tls.cut_off", cut_off}};
  return rules;
}

}  // namespace vnetprobe
