#pragma once

#include <string>
#include <string_view>

namespace vnetprobe {

// Prometheus' text format, metric after metric. Names without "vnetprobe_" in front get it, unless they belong to a
// convention of others ("probe_...", "process_...").
class Exposition {
 public:
  void gauge(std::string_view name, std::string_view help) { metric(name, "gauge", help); }
  void counter(std::string_view name, std::string_view help) { metric(name, "counter", help); }
  // `labels` as they stand between the braces.
  void sample(const std::string& labels, double value);
  void sample(const std::string& labels, bool value) { sample(labels, value ? 1.0 : 0.0); }
  // A metric of one series without labels.
  void gauge(std::string_view name, std::string_view help, double value);
  void counter(std::string_view name, std::string_view help, double value);
  std::string take() { return std::move(out_); }

  // A label's value: bounded, without control characters, with what the format itself escapes.
  static std::string label(std::string_view text);

 private:
  void metric(std::string_view name, std::string_view type, std::string_view help);

  std::string out_, name_;
};

}  // namespace vnetprobe
