#pragma once

#include "agent/config/settings.hpp"

namespace vnetprobe {

// "config.yaml:12:5: unknown key 'storage_acounts'; did you mean 'storage_accounts'?"
struct ConfigError {
  std::string message;  // whole, with file:line:column
};

struct ConfigResult {
  std::optional<Settings> settings;
  std::vector<ConfigError> errors;  // all that were found, in file order; empty exactly when `settings` is present
  std::vector<std::string> notes;   // what looks odd and is no error, with file:line:column
};

// Reads product.md section 3's YAML. `name` is what errors and sources call the file. Bounded: 4 MiB, 64 levels,
// 200 000 values with aliases followed. Never throws for what the file holds.
ConfigResult parse_config(std::string_view text, const std::string& name);
// The same for a file; one that is missing, unreadable or no regular file is an error that names it.
ConfigResult load_config(const std::string& path);

}  // namespace vnetprobe
