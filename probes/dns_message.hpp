#pragma once

#include "probes/observation/dns.hpp"

#include <span>

namespace vnetprobe {

using DnsMessage = std::span<const unsigned char>;

// Reads a whole DNS answer (RFC 1035, without TCP's length) into an observation whose `name` and `question` say what
// was asked. Sets rcode, the header bits, the answer section, the addresses that the CNAME chain of the asked name
// leads to, and `error`. Pure; work and memory are bounded by the message's length whatever its bytes are. What was
// read before a fault is kept.
void read_answer(DnsMessage message, DnsObservation& into);

// Is it an answer whose one question is `name` and `question`? Case does not count: some resolvers mix it on purpose
// (0x20).
bool answers_question(DnsMessage message, const std::string& name, const std::string& question);

}  // namespace vnetprobe
