#pragma once

#include "agent/daemon/http_server.hpp"

// The text of HTTP requests and answers. Pure; takes any bytes.
namespace vnetprobe {

inline constexpr std::size_t request_head_at_most = 8U << 10;

struct ReadHead {
  PageRequest request;
  bool head_only{};   // HEAD
  std::string token;  // behind "Authorization: Bearer"
  int refusal{};      // status of the answer when this cannot be served; 0: it can
  std::string why;    // the answer's body then
};
ReadHead read_request_head(std::string_view text);

// The answer on the wire. The connection is closed after it.
std::string written_page(const Page& page, bool head_only);

}  // namespace vnetprobe
