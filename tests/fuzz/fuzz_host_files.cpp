#include "probes/host/files.hpp"
#include "probes/text.hpp"

// All parsers of the node's own files; no credentials may survive in a proxy setting.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using vnetprobe::ProxySyntax;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vnetprobe::resolvers_in(text, "f");
  vnetprobe::hosts_lines_in(text, "f", "a.test");
  vnetprobe::os_release_value(text, "ID");
  for (const auto syntax : {ProxySyntax::environment, ProxySyntax::shell, ProxySyntax::systemd, ProxySyntax::apt})
    for (const auto& setting : vnetprobe::proxies_in(text, syntax, "f"))
      if (setting.value.find('@') != std::string::npos) __builtin_trap();
  const auto shown = vnetprobe::printable(text);
  if (vnetprobe::printable(shown, shown.size()) != shown) __builtin_trap();
  return 0;
}
