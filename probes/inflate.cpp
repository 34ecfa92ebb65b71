#include "probes/inflate.hpp"

#include <zlib.h>

namespace vnetprobe {

std::optional<std::string> inflate(std::string_view bytes, std::size_t limit) {
  z_stream stream{};
  constexpr int gzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, gzip) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= limit) {
    const auto before = text.size();
    text.resize(before + (1U << 20));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + before);
    stream.avail_out = 1U << 20;
    status = ::inflate(&stream, Z_NO_FLUSH);
    text.erase(text.size() - stream.avail_out);
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) break;  // cut off
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || text.size() > limit) return std::nullopt;
  return text;
}

}  // namespace vnetprobe
