#pragma once

#include "agent/demo/faults.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vnetprobe::demo {

// What Azure's DNS says inside the simulated VNet: a CNAME chain and its address, or nothing (NXDOMAIN).
struct ZoneAnswer {
  std::vector<std::string> chain;  // the CNAME targets in order, empty when the name has its address itself
  std::string address;             // IPv4
};

// `name` in lower case, without the trailing dot. The chains are those of azure-facts 2.2 - 2.4.
std::optional<ZoneAnswer> zone_answer(const std::string& name, Fault fault);

// The answer message (RFC 1035) to one query message; empty for a message that is no query.
std::vector<unsigned char> answer_query(const std::vector<unsigned char>& query, Fault fault);

}  // namespace vnetprobe::demo
