file(READ ${INPUT} bytes HEX)
file(SHA256 ${INPUT} digest)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n    " bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <string_view>

namespace vnetprobe::embedded {
namespace {
constexpr unsigned char ${SYMBOL}_bytes[] = {
    ${bytes}0x00};
}  // namespace
extern const std::string_view ${SYMBOL}, ${SYMBOL}_sha256;
const std::string_view ${SYMBOL}{reinterpret_cast<const char*>(${SYMBOL}_bytes), sizeof(${SYMBOL}_bytes) - 1};
const std::string_view ${SYMBOL}_sha256{\"${digest}\"};
}  // namespace vnetprobe::embedded
")
