#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace vnetprobe {

// Takes the pieces of a document in their order.
using TakePiece = std::function<void(std::string_view)>;
// A document that is made while it is written: what is bigger than memory should hold twice.
using Document = std::function<void(const TakePiece& take)>;

// Replaces `path` with the document: a temporary file beside it, fsync, rename, fsync of the directory; "-" is stdout,
// and a device or pipe is written to. Parent directories are made. Returns the message of a failure ("/root/r.json:
// Permission denied"), after which what was there before is still there and nothing else is.
std::string write_file(const std::string& path, const Document& document);
std::string write_file(const std::string& path, std::string_view bytes);

}  // namespace vnetprobe
