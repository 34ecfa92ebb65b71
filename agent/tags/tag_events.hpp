#pragma once

#include "agent/tags/tag_file.hpp"

#include <boost/system/error_code.hpp>

namespace vnetprobe::tags {

// Reads the JSON of a service-tag file as it is parsed, with no tree of its values in between: that halves the time and
// the memory of four megabytes. What is wrong with an entry goes into `errors`; what is wrong with the JSON, into
// `problem`, with the number of bytes that were good.
struct TagEvents {
  TagFile file;
  std::vector<std::string> errors;
  boost::system::error_code problem;
  std::size_t good_bytes{};
};
TagEvents read_tag_events(std::string_view text, const std::string& path, bool lenient);

}  // namespace vnetprobe::tags
