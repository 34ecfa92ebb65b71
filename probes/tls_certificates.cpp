#include "probes/tls_certificates.hpp"

#include "probes/digest.hpp"
#include "probes/text.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <memory>

namespace vnetprobe {
namespace {

constexpr int certificates_kept = 10;
constexpr int names_kept = 20;
constexpr std::size_t name_length = 512;

std::string organisation(X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
  if (index < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  if (size < 0) return {};
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(utf8, [](unsigned char* p) { OPENSSL_free(p); });
  return printable({reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)}, name_length);
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&broken_down)));
}

std::string name_text(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    return printable({bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}, name_length);
  }
  if (name->type != GEN_IPADD) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(name->d.iPAddress);
  const int family = size == 4 ? AF_INET : AF_INET6;
  if (size != 4 && size != 16) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size()) ? text.data() : "";
}

void describe_names(X509* certificate, Certificate& into) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    auto text = name_text(sk_GENERAL_NAME_value(names.get(), i));
    if (text.empty()) continue;
    if (into.dns_names.size() < names_kept)
      into.dns_names.push_back(std::move(text));
    else
      ++into.dns_names_left_out;
  }
}

}  // namespace

std::string printable_name(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  // The usual order (common name first), without escaping what UTF-8 can show; printable() deals with control
  // characters.
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return printable({bytes, static_cast<std::size_t>(size)}, name_length);
}

Certificate describe_certificate(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME* issuer = X509_get_issuer_name(certificate);
  Certificate seen{.subject = printable_name(subject),
                   .issuer = printable_name(issuer),
                   .subject_organization = organisation(subject),
                   .issuer_organization = organisation(issuer)};
  describe_names(certificate, seen);
  seen.not_before = time_of(X509_get0_notBefore(certificate));
  seen.not_after = time_of(X509_get0_notAfter(certificate));
  seen.sha256 = hex(sha256_of(certificate));
  seen.self_signed = X509_self_signed(certificate, 0) == 1;
  return seen;
}

void describe_chain(const SSL* ssl, Remembered<Certificate>& by_digest, TlsObservation& into) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  const int count = chain ? sk_X509_num(chain) : 0;
  for (int i = 0; i < count && i < certificates_kept; ++i) {
    X509* certificate = sk_X509_value(chain, i);
    into.chain.push_back(by_digest.of(sha256_of(certificate), [&] { return describe_certificate(certificate); }));
  }
  if (count > certificates_kept) into.chain_left_out = count - certificates_kept;
}

}  // namespace vnetprobe
