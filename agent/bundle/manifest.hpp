#pragma once

#include "agent/bundle/collect.hpp"
#include "reports/bundle/redact.hpp"

#include <boost/json/array.hpp>

namespace vnetprobe::bundle {

// manifest.json: every item with its size, SHA-256, source, exit status, duration, problem and redactions by rule.
class Manifest {
 public:
  Manifest(std::string report_id, bool anonymized);
  // `name`: its file in the bundle, empty: it has none.
  void add(const Item& item, const std::string& name, const Redacted& content);
  std::string json(bool complete) const;

 private:
  std::string report_id_, started_at_;
  bool anonymized_;
  boost::json::array items_;
  Counts counts_;
};

}  // namespace vnetprobe::bundle
