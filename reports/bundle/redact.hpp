#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Takes secrets out of text before it is written anywhere (product.md 9; what there is to find: peers.md 4.2 and
// azure-facts 3.7). A table of rules; a further secret is a further row in redact_rules.cpp.
namespace vnetprobe::bundle {

using Counts = std::map<std::string, std::size_t>;  // by rule

struct Redacted {
  std::string text;
  Counts counts;
};

// One for each bundle: the same secret becomes the same "[redacted:RULE#N]" wherever it stands, also where only its
// value tells it (a token of the environment that a log repeats). Of a JWT the names of its claims stay. Any bytes are
// fine; time and length are linear in the input.
class Redactor {
 public:
  // `own_patterns`: RE2 expressions; their first group, or else the whole match, is a secret.
  explicit Redactor(const std::vector<std::string>& own_patterns = {});
  ~Redactor();
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;

  Redacted redact(std::string_view text);
  // NAME=VALUE entries, each ended by NUL as in /proc/PID/environ. The value of a secret's name goes whole, whatever is
  // in it; written as lines.
  Redacted redact_environment(std::string_view entries);

  // What is wrong with an own pattern; empty: nothing.
  static std::string pattern_error(const std::string& pattern);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a variable or key of this name holds a secret.
bool is_secret_name(std::string_view name);

}  // namespace vnetprobe::bundle
