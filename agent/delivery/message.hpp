#pragma once

#include "reports/model/report.hpp"

#include <string>
#include <vector>

namespace vnetprobe::delivery {

// A finished report as it is sent: what the sinks and the spool need of it without reading it again.
struct Message {
  std::string id;  // ULID: names the report at every receiver, however often it is sent
  std::string verdict;
  std::string started_at;          // RFC 3339
  std::string host;                // of the node
  std::vector<std::string> codes;  // of the diagnoses above info
  std::string summary;             // a few ASCII lines for a console or a journal
  std::string json;                // the report, as `--format json` prints it
  bool healthy() const { return verdict == "healthy"; }
};

Message message_of(const Report& report);

}  // namespace vnetprobe::delivery
