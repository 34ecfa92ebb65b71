#include "probes/certificate_outline.hpp"
#include "probes/host/files.hpp"
#include "probes/host/host.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <memory>

namespace vnetprobe {
namespace {

struct Count {
  int certificates{}, expired{};
};

// Absent: this is no certificate.
std::optional<bool> has_expired(std::string_view certificate) {
  const auto found = outline(certificate);
  if (!found) return std::nullopt;
  const auto* bytes = reinterpret_cast<const unsigned char*>(found->not_after.data());
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> not_after(
      d2i_ASN1_TIME(nullptr, &bytes, static_cast<long>(found->not_after.size())), ASN1_TIME_free);
  if (!not_after) return std::nullopt;
  return X509_cmp_current_time(not_after.get()) < 0;
}

// Every certificate of a PEM text. A damaged block does not hide those after it.
Count count_certificates(std::string_view text) {
  constexpr int most = 5000;
  Count count;
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                                                      BIO_free);
  for (int blocks = 0; bio && blocks < most; ++blocks) {
    unsigned char* der = nullptr;
    long size = 0;
    if (PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_X509, bio.get(), nullptr, nullptr) == 1) {
      const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(der,
                                                                           [](unsigned char* p) { OPENSSL_free(p); });
      const auto expired = has_expired({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
      if (expired) ++count.certificates;
      if (expired.value_or(false)) ++count.expired;
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE || BIO_eof(bio.get())) {
      break;
    }
    ERR_clear_error();
  }
  ERR_clear_error();
  return count;
}

// Where OpenSSL's own variable points, else where the distributions put it: Debian and Ubuntu, Fedora and RHEL, SUSE,
// Alpine.
std::vector<std::string> store_candidates() {
  std::vector<std::string> result;
  if (const char* file = std::getenv("SSL_CERT_FILE"); file && *file) result.emplace_back(file);
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                           "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    result.emplace_back(file);
  return result;
}

void read_system_store(CaStoreFacts& store, HostObservation& seen, const std::filesystem::path& root) {
  for (const auto& candidate : store_candidates()) {
    const auto file = read_file(root, candidate);
    if (file.error == HostFailure::not_found) continue;
    store.path = candidate;
    if (file.error) {
      seen.error = file.error;
      seen.detail = file.detail;
      return;
    }
    const auto count = count_certificates(file.text);
    store.certificates = count.certificates;
    store.expired = count.expired;
    if (count.certificates == 0) {
      seen.error = HostFailure::malformed;
      seen.detail = candidate + ": no certificate in it";
    } else if (file.cut) {
      seen.detail = fmt::format("{}: only the first {} bytes were read", candidate, file_limit);
    }
    return;
  }
  seen.error = HostFailure::not_found;
  seen.detail = "no CA bundle in the usual places, /etc/ssl/certs/ca-certificates.crt among them";
}

}  // namespace

HostObservation observe_ca_store(const std::vector<std::string>& user_files, const std::filesystem::path& root) {
  const auto started = Clock::now();
  HostObservation seen{.topic = HostTopic::ca_store};
  CaStoreFacts store;
  read_system_store(store, seen, root);
  for (const auto& name : user_files) {
    store.user_files.push_back(name);
    // As given on the command line: relative to the working directory, not to `root`.
    const auto file = read_file("/", std::filesystem::absolute(name));
    const auto count = count_certificates(file.text);
    store.user_certificates += count.certificates;
    if (seen.error || count.certificates > 0) continue;
    seen.error = file.error.value_or(HostFailure::malformed);
    seen.detail = printable(file.error ? file.detail : name + ": no certificate in it");
  }
  seen.ca_store = std::move(store);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
