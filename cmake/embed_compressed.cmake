file(READ ${INPUT} bytes HEX)
file(SIZE ${ORIGINAL} size)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n    " bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <zlib.h>

#include <iterator>
#include <stdexcept>
#include <string>

namespace vnetprobe::embedded {
namespace {
constexpr unsigned char ${SYMBOL}_bytes[] = {
    ${bytes}};
}  // namespace
std::string ${SYMBOL}();
std::string ${SYMBOL}() {
  std::string text(${size}, '\\0');
  z_stream stream{};
  stream.next_in = const_cast<unsigned char*>(${SYMBOL}_bytes);
  stream.avail_in = static_cast<unsigned>(std::size(${SYMBOL}_bytes));
  stream.next_out = reinterpret_cast<unsigned char*>(text.data());
  stream.avail_out = static_cast<unsigned>(text.size());
  const bool whole = inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END;
  inflateEnd(&stream);
  if (!whole || stream.avail_out != 0) throw std::logic_error(\"${SYMBOL} is damaged\");
  return text;
}
}  // namespace vnetprobe::embedded
")
