#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Certificates for test peers, made on the spot: keys are P-256, so this takes no time to speak of.
namespace vnetprobe::test {

struct CertificateWish {
  std::string common_name;
  std::string organisation = {};
  std::vector<std::string> names = {};  // subjectAltName entries: "DNS:a.test", "IP:127.0.0.1"
  bool authority = false;
  std::chrono::hours from{-24};  // validity, counted from now
  std::chrono::hours until{240};
};

// A certificate with its key; the issuer of others when it is an authority.
class Identity {
 public:
  // Signed by itself.
  explicit Identity(const CertificateWish& wish) : Identity(wish, nullptr) {}

  Identity issue(const CertificateWish& wish) const { return Identity(wish, this); }

  std::string certificate_pem() const {
    const auto memory = new_memory();
    PEM_write_bio_X509(memory.get(), certificate_.get());
    return text_of(memory.get());
  }
  std::string key_pem() const {
    const auto memory = new_memory();
    PEM_write_bio_PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(memory.get());
  }
  X509* certificate() const { return certificate_.get(); }

 private:
  Identity(const CertificateWish& wish, const Identity* issuer)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509* made = certificate_.get();
    X509_set_version(made, 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), seconds(wish.from));
    X509_gmtime_adj(X509_getm_notAfter(made), seconds(wish.until));
    X509_NAME* subject = X509_get_subject_name(made);
    add(subject, "O", wish.organisation);
    add(subject, "CN", wish.common_name);
    X509* signer = issuer ? issuer->certificate() : made;
    X509_set_issuer_name(made, X509_get_subject_name(signer));
    X509_set_pubkey(made, key_.get());
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, made, nullptr, nullptr, 0);
    extend(made, context, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
    extend(made, context, NID_subject_key_identifier, "hash");
    if (issuer) extend(made, context, NID_authority_key_identifier, "keyid");
    std::string names;
    for (const auto& name : wish.names) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) extend(made, context, NID_subject_alt_name, names);
    X509_sign(made, issuer ? issuer->key_.get() : key_.get(), EVP_sha256());
  }

  static long seconds(std::chrono::hours hours) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(hours).count());
  }
  static void add(X509_NAME* name, const char* field, std::string_view text) {
    if (!text.empty())
      X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0);
  }
  static void extend(X509* certificate, X509V3_CTX& context, int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::unique_ptr<BIO, decltype(&BIO_free)> new_memory() { return {BIO_new(BIO_s_mem()), BIO_free}; }
  static std::string text_of(BIO* memory) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

}  // namespace vnetprobe::test
