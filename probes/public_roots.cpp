#include "probes/public_roots.hpp"

#include "probes/digest.hpp"
#include "probes/inflate.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace vnetprobe {
namespace embedded {
extern const std::string_view public_roots;
}
namespace {

constexpr std::size_t list_at_most = 4U << 20;

// The certificate that the text starts with; empty: none.
std::string_view first_certificate(std::string_view text) {
  const auto* start = reinterpret_cast<const unsigned char*>(text.data());
  const auto* at = start;
  long length = 0;
  int tag = 0, kind = 0;
  const int form = ASN1_get_object(&at, &length, &tag, &kind, static_cast<long>(text.size()));
  if ((form & 0x80) != 0 || tag != V_ASN1_SEQUENCE) {
    ERR_clear_error();
    return {};
  }
  return text.substr(0, static_cast<std::size_t>(at - start) + static_cast<std::size_t>(length));
}

}  // namespace

const PublicRoots& PublicRoots::built_in() {
  static const PublicRoots roots(inflate(embedded::public_roots, list_at_most).value_or(""));
  return roots;
}

PublicRoots::PublicRoots(std::string certificates)
    : certificates_(std::move(certificates)), store_(nullptr, X509_STORE_free) {
  std::string_view left = certificates_;
  for (auto one = first_certificate(left); !one.empty(); one = first_certificate(left)) {
    each_.push_back(one);
    digests_.insert(sha256(one));
    left.remove_prefix(one.size());
  }
}

PublicRoots::~PublicRoots() = default;

bool PublicRoots::contains(X509* certificate) const { return digests_.contains(sha256_of(certificate)); }

// Decoding them all takes some 40 ms, and most runs never need it.
X509_STORE* PublicRoots::store() const {
  if (store_) return store_.get();
  store_.reset(X509_STORE_new());
  for (const auto one : each_) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(one.data());
    const std::unique_ptr<X509, decltype(&X509_free)> root(d2i_X509(nullptr, &bytes, static_cast<long>(one.size())),
                                                           X509_free);
    if (root) X509_STORE_add_cert(store_.get(), root.get());
  }
  ERR_clear_error();
  return store_.get();
}

bool PublicRoots::verifies(STACK_OF(X509) * chain) const {
  if (!chain || sk_X509_num(chain) == 0) return false;
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                                X509_STORE_CTX_free);
  if (X509_STORE_CTX_init(context.get(), store(), sk_X509_value(chain, 0), chain) != 1) return false;
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  const bool verified = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return verified;
}

}  // namespace vnetprobe
