#include "agent/config/config_file.hpp"
#include "agent/discovery/azureml_names.hpp"
#include "agent/discovery/proxy_choice.hpp"

#include <cstdlib>

// A configuration either gives settings or says why not, whatever its bytes are; so do the names that discovery reads.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = vnetprobe::parse_config(text, "config.yaml");
  if (read.settings.has_value() != read.errors.empty()) std::abort();
  vnetprobe::parse_mlflow_uri(text);
  vnetprobe::parse_batch_url(text);
  vnetprobe::parse_instance_domain(text);
  vnetprobe::parse_proxy(text);
  vnetprobe::bypasses_proxy(text, "blob.core.windows.net");
  vnetprobe::bypasses_proxy(text, "10.0.0.4");
  return 0;
}
