#include "reports/render/exposition.hpp"

#include "reports/render/unicode.hpp"

#include <fmt/format.h>

#include <iterator>

namespace vnetprobe {
namespace {

constexpr std::size_t label_at_most = 200;

bool is_of_others(std::string_view name) { return name.starts_with("probe_") || name.starts_with("process_"); }

}  // namespace

std::string Exposition::label(std::string_view text) {
  std::string out;
  for (const char c : visible(text, label_at_most)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

void Exposition::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = is_of_others(name) ? std::string(name) : fmt::format("vnetprobe_{}", name);
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
}

void Exposition::sample(const std::string& labels, double value) {
  const std::string braced = labels.empty() ? "" : "{" + labels + "}";
  fmt::format_to(std::back_inserter(out_), "{}{} {}\n", name_, braced, value);
}

void Exposition::gauge(std::string_view name, std::string_view help, double value) {
  gauge(name, help);
  sample("", value);
}

void Exposition::counter(std::string_view name, std::string_view help, double value) {
  counter(name, help);
  sample("", value);
}

}  // namespace vnetprobe
