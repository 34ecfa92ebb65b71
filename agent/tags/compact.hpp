#pragma once

#include "agent/tags/tag_file.hpp"

namespace vnetprobe::tags {

// What a compact form was made from: it counts as long as the file is still that one.
struct Stamp {
  std::uint64_t size{};
  std::int64_t modified{};  // nanoseconds since 1970
  bool operator==(const Stamp&) const = default;
};

// A service-tag file in a form that is read in a tenth of the time: names, then all prefixes in the index's order.
// For the machine that wrote it only (its byte order), and no exchange format.
std::string to_compact(const TagFile& file, const Stamp& made_from);

// Absent: of another version, made from another file, cut off or changed. Then the file itself is to be read.
std::optional<TagFile> from_compact(std::string_view bytes, const Stamp& made_from);

}  // namespace vnetprobe::tags
