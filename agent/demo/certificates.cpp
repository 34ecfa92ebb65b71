#include "agent/demo/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

namespace vnetprobe::demo {
namespace {

constexpr long day = 24 * 3600;

KeyHandle make_key() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  if (!key) throw std::runtime_error("OpenSSL cannot make a P-256 key");
  return {key, EVP_PKEY_free};
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    throw std::runtime_error("OpenSSL refuses the certificate extension " + value);
}

void set_name(X509_NAME* into, const std::string& organisation, const std::string& common_name) {
  const auto add = [&](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(into, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1,
                               -1, 0);
  };
  add("O", organisation);
  // X.520 allows a common name of 64 characters; the SAN carries the whole name.
  add("CN", common_name.substr(0, 64));
}

// An unsigned certificate, valid from `not_before` to `not_after` days from now.
CertificateHandle draft(EVP_PKEY* key, long not_before, long not_after) {
  CertificateHandle certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  unsigned char serial[8];
  if (RAND_bytes(serial, sizeof serial) != 1) throw std::runtime_error("OpenSSL has no random bytes");
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(BN_bin2bn(serial, sizeof serial, nullptr), BN_free);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), not_before * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), not_after * day);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

Authority::Authority(const std::string& organisation, const std::string& common_name)
    : key_(make_key()), leaf_key_(make_key()), root_(draft(key_.get(), -90, 365)) {
  set_name(X509_get_subject_name(root_.get()), organisation, common_name);
  X509_set_issuer_name(root_.get(), X509_get_subject_name(root_.get()));
  add_extension(root_.get(), root_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(root_.get(), root_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(root_.get(), root_.get(), NID_subject_key_identifier, "hash");
  X509_sign(root_.get(), key_.get(), EVP_sha256());
}

std::unique_ptr<boost::asio::ssl::context> Authority::server_context(const std::string& host, int days) const {
  const auto leaf = draft(leaf_key_.get(), std::min(-20, days - 20), days);
  set_name(X509_get_subject_name(leaf.get()), "vnetprobe simulated VNet", host);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(root_.get()));
  add_extension(leaf.get(), root_.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), root_.get(), NID_ext_key_usage, "serverAuth");
  add_extension(leaf.get(), root_.get(), NID_subject_alt_name, "DNS:" + host);
  X509_sign(leaf.get(), key_.get(), EVP_sha256());
  auto context = std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_use_certificate(native, leaf.get());
  SSL_CTX_add1_chain_cert(native, root_.get());
  SSL_CTX_use_PrivateKey(native, leaf_key_.get());
  return context;
}

std::string Authority::root_pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(memory.get(), root_.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace vnetprobe::demo
