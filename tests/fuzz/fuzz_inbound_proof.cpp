#include "agent/inbound/proof.hpp"

#include <cstdint>

// A line of whoever connects to `listen`, or answers to `reach`: nothing but the one right line is ever taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vnetprobe::inbound;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const Exchange exchange{.reach_nonce = std::string(32, 'a'), .listen_nonce = std::string(32, 'b'), .port = 1};
  if (const auto nonce = nonce_of_hello(line); nonce && nonce->size() != 32) __builtin_trap();
  if (const auto nonce = nonce_of_challenge(line); nonce && nonce->size() != 32) __builtin_trap();
  if (is_proof(line, "a token that nobody can guess", exchange)) __builtin_trap();
  if (address_seen(line, "a token that nobody can guess", exchange)) __builtin_trap();
  return 0;
}
