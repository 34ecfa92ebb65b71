#include "probes/certificate_outline.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>

namespace vnetprobe {
namespace {

// A walk over DER elements.
class Walk {
 public:
  explicit Walk(std::string_view der) : rest_(der) {}

  // The next element, header and all, where it has that tag; else empty, and the walk stays where it is.
  std::string_view next(int wanted) { return step(wanted, false); }
  // Goes on inside of the next element.
  bool enter(int wanted) { return !step(wanted, true).empty(); }

 private:
  std::string_view step(int wanted, bool into) {
    const auto* start = reinterpret_cast<const unsigned char*>(rest_.data());
    const auto* content = start;
    long length = 0;
    int tag = 0, kind = 0;
    const int form = ASN1_get_object(&content, &length, &tag, &kind, static_cast<long>(rest_.size()));
    if ((form & 0x80) != 0 || tag != wanted) {
      ERR_clear_error();
      return {};
    }
    const auto head = static_cast<std::size_t>(content - start);
    const auto whole = rest_.substr(0, head + static_cast<std::size_t>(length));
    rest_ = into ? whole.substr(head) : rest_.substr(whole.size());
    return whole;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<CertificateOutline> outline(std::string_view der) {
  Walk walk(der);
  if (!walk.enter(V_ASN1_SEQUENCE) || !walk.enter(V_ASN1_SEQUENCE)) return std::nullopt;
  constexpr int version = 0;  // [0], where it is given
  walk.next(version);
  const bool serial_signature_issuer =
      !walk.next(V_ASN1_INTEGER).empty() && !walk.next(V_ASN1_SEQUENCE).empty() && !walk.next(V_ASN1_SEQUENCE).empty();
  if (!serial_signature_issuer) return std::nullopt;
  Walk validity(walk.next(V_ASN1_SEQUENCE));
  CertificateOutline found{.subject = walk.next(V_ASN1_SEQUENCE), .not_after = {}};
  if (!validity.enter(V_ASN1_SEQUENCE)) return std::nullopt;
  const auto time = [&] {
    const auto utc = validity.next(V_ASN1_UTCTIME);
    return utc.empty() ? validity.next(V_ASN1_GENERALIZEDTIME) : utc;
  };
  time();
  found.not_after = time();
  return found.subject.empty() || found.not_after.empty() ? std::nullopt : std::optional(found);
}

}  // namespace vnetprobe
