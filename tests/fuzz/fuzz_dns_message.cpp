#include "probes/dns_message.hpp"

// The first byte chooses what was asked; the rest is the answer. Every answer must leave a bounded, printable
// observation.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const vnetprobe::DnsMessage message(data + 1, size - 1);
  vnetprobe::DnsObservation seen{.name = "a.test", .via = vnetprobe::DnsVia::server};
  seen.question = (data[0] & 1U) != 0 ? "AAAA" : "A";
  vnetprobe::answers_question(message, seen.name, seen.question);
  vnetprobe::read_answer(message, seen);
  if (seen.answers.size() > 64 || seen.addresses.size() > seen.answers.size()) __builtin_trap();
  for (const auto& record : seen.answers)
    for (const char c : record.name + record.data)
      if (c < 0x20 || c > 0x7e) __builtin_trap();
  return 0;
}
