#pragma once

#include <optional>
#include <string_view>

namespace vnetprobe {

// Two parts of a certificate's DER, found without decoding its key, on which OpenSSL 3 spends nearly all of its time.
struct CertificateOutline {
  std::string_view subject;    // a Name, as d2i_X509_NAME takes it
  std::string_view not_after;  // a Time, as d2i_ASN1_TIME takes it
};

// RFC 5280 section 4.1. Absent: this is no certificate.
std::optional<CertificateOutline> outline(std::string_view der);

}  // namespace vnetprobe
