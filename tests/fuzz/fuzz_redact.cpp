#include "reports/bundle/anonymize.hpp"
#include "reports/bundle/redact.hpp"

#include <cstdint>

// Logs of the node and of its agents: any bytes, and nothing that was taken out may come back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vnetprobe::bundle;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Redactor redactor;
  const auto once = redactor.redact(text);
  std::size_t count = 0;
  for (const auto& [rule, times] : once.counts) count += times;
  if (count == 0 && once.text != text) __builtin_trap();
  redactor.redact_environment(text);
  Anonymizer anonymizer("key", {{"host", "vm7"}}, [](const std::string&) { return false; });
  anonymizer.hide(once.text);
  return 0;
}
