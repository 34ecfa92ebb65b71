#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe::bundle {

// A name to hide and what it is: {"workspace", "contoso-ml"} becomes "workspace-1".
struct NameToHide {
  std::string kind, name;
};

// Maps addresses and names so that their relations stay: the same one becomes the same, two addresses share as long a
// prefix as before, a private address stays in its range. What evidence needs is kept as it is: loopback, link-local
// (IMDS), WireServer, the control addresses, netmasks, and what `is_evidence` says (addresses of service tags).
class Anonymizer {
 public:
  // `key`: random, of one bundle. Any text is fine; names shorter than three characters are left.
  Anonymizer(std::string key, std::vector<NameToHide> names,
             std::function<bool(const std::string& address)> is_evidence);
  ~Anonymizer();
  Anonymizer(Anonymizer&&) noexcept;

  std::string hide(std::string_view text);
  // What became what; never part of the bundle.
  const std::map<std::string, std::string>& mapped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vnetprobe::bundle
