#include "agent/plan/plan.hpp"

#include <cstdlib>

// A catalogue either is one or says why not, and whatever it is a plan can be made from it; what is printed is read
// again.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace vnetprobe;
  const auto read = parse_catalogue({reinterpret_cast<const char*>(data), size}, "catalogue.yaml");
  if (read.catalogue.has_value() != read.errors.empty()) std::abort();
  if (!read.catalogue) return 0;
  Discovery discovery;
  discovery.settings = default_settings();
  discovery.settings.region = Sourced<std::string>{.value = "eastus2", .source = "test"};
  make_plan(*read.catalogue, discovery, {});
  if (!parse_catalogue(catalogue_to_yaml(*read.catalogue), "printed").catalogue) std::abort();
  return 0;
}
