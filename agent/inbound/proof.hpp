#pragma once

#include <optional>
#include <string>
#include <string_view>

// How `reach` and `listen` prove to each other that it is they who talk, over one TCP connection, in four lines:
//
//   reach    vnetprobe/1 hello NONCE            32 hexadecimal digits, fresh for each connection
//   listen   vnetprobe/1 challenge NONCE        so are these
//   reach    vnetprobe/1 proof MAC              HMAC-SHA256 with the token, over "proof", both nonces and the port
//   listen   vnetprobe/1 seen ADDRESS MAC       the same over "seen" and the peer's address as the listener sees it
//
// The token itself is never sent. Whoever does not have it learns a nonce, which is good for nothing: an old recording
// meets another nonce, a listener at another port another port, and what completes connections in a server's name
// cannot make the last line. Pure functions of lines without their end.
namespace vnetprobe::inbound {

inline constexpr std::size_t line_at_most = 256;  // bytes, with its end; a longer one is nobody's of ours

struct Exchange {
  std::string reach_nonce, listen_nonce;  // 32 hexadecimal digits each
  unsigned port{};                        // the listener's
};

std::string make_nonce();

std::string hello_line(std::string_view reach_nonce);
std::string challenge_line(std::string_view listen_nonce);
std::string proof_line(std::string_view token, const Exchange& exchange);
std::string seen_line(std::string_view token, const Exchange& exchange, std::string_view address);

// Absent: another line, or one that is not well formed.
std::optional<std::string> nonce_of_hello(std::string_view line);
std::optional<std::string> nonce_of_challenge(std::string_view line);
// Compared in constant time.
bool is_proof(std::string_view line, std::string_view token, const Exchange& exchange);
std::optional<std::string> address_seen(std::string_view line, std::string_view token, const Exchange& exchange);

}  // namespace vnetprobe::inbound
