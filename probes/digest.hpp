#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

// Digests and their spellings, in one place for probes, delivery and the bundle.
namespace vnetprobe {

std::string sha256(std::string_view bytes);      // 32 bytes
std::string sha256_of(const X509* certificate);  // of its DER
std::string sha1(std::string_view bytes);        // RFC 6455 still asks for it
std::string md5(std::string_view bytes);         // Content-MD5
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hex(std::string_view bytes);     // lower case
std::string base64(std::string_view bytes);  // RFC 4648 section 4, padded

}  // namespace vnetprobe
