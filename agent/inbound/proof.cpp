#include "agent/inbound/proof.hpp"

#include "probes/digest.hpp"
#include "probes/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace vnetprobe::inbound {
namespace {

constexpr std::string_view protocol = "vnetprobe/1";
constexpr std::size_t nonce_bytes = 16, mac_digits = 64;

std::string mac(std::string_view what, std::string_view token, const Exchange& exchange, std::string_view address) {
  const auto message = fmt::format("{} {} {} {} {} {}", protocol, what, exchange.reach_nonce, exchange.listen_nonce,
                                   exchange.port, address);
  return hex(hmac_sha256(token, message));
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// The words after "vnetprobe/1 KIND"; absent: another line, or another number of them.
std::optional<std::vector<std::string_view>> rest_of(std::string_view line, std::string_view kind, std::size_t count) {
  if (line.size() >= line_at_most) return std::nullopt;
  auto parts = words(line);
  if (parts.size() != count + 2 || parts[0] != protocol || parts[1] != kind) return std::nullopt;
  parts.erase(parts.begin(), parts.begin() + 2);
  return parts;
}

std::optional<std::string> nonce_of(std::string_view line, std::string_view kind) {
  const auto rest = rest_of(line, kind, 1);
  if (!rest || !is_hex(rest->front(), nonce_bytes * 2)) return std::nullopt;
  return std::string(rest->front());
}

}  // namespace

std::string make_nonce() {
  std::array<unsigned char, nonce_bytes> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("no random numbers from OpenSSL");
  return hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string hello_line(std::string_view reach_nonce) { return fmt::format("{} hello {}", protocol, reach_nonce); }

std::string challenge_line(std::string_view listen_nonce) {
  return fmt::format("{} challenge {}", protocol, listen_nonce);
}

std::string proof_line(std::string_view token, const Exchange& exchange) {
  return fmt::format("{} proof {}", protocol, mac("proof", token, exchange, ""));
}

std::string seen_line(std::string_view token, const Exchange& exchange, std::string_view address) {
  return fmt::format("{} seen {} {}", protocol, address, mac("seen", token, exchange, address));
}

std::optional<std::string> nonce_of_hello(std::string_view line) { return nonce_of(line, "hello"); }

std::optional<std::string> nonce_of_challenge(std::string_view line) { return nonce_of(line, "challenge"); }

bool is_proof(std::string_view line, std::string_view token, const Exchange& exchange) {
  const auto rest = rest_of(line, "proof", 1);
  return rest && is_hex(rest->front(), mac_digits) && same(rest->front(), mac("proof", token, exchange, ""));
}

std::optional<std::string> address_seen(std::string_view line, std::string_view token, const Exchange& exchange) {
  const auto rest = rest_of(line, "seen", 2);
  if (!rest || !same((*rest)[1], mac("seen", token, exchange, (*rest)[0]))) return std::nullopt;
  return printable((*rest)[0], 64);
}

}  // namespace vnetprobe::inbound
