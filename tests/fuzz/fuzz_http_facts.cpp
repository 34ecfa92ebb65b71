#include "probes/http_facts.hpp"

#include <cstdlib>

namespace {

// Whatever came in: bounded, no control characters, and well-formed as far as a byte shows it.
void expect_printable(std::string_view text, std::size_t bound) {
  if (text.size() > bound) std::abort();
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
}

}  // namespace

// The input is taken for each of the things that a server says.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace vnetprobe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t escaped = 4;  // "\xHH" for a byte
  expect_printable(body_excerpt(text), 1024 * escaped + 3);
  const auto half = size / 2;
  const HttpHeader header = kept_header(text.substr(0, half), text.substr(half));
  expect_printable(header.name, 100 * escaped + 3);
  expect_printable(header.value, 1024 * escaped + 3);
  if (const auto code = service_error_code({}, text)) expect_printable(*code, 100 * escaped + 3);
  if (const auto code = service_error_code({kept_header("x-ms-error-code", text)}, {}))
    expect_printable(*code, 100 * escaped + 3);
  clock_offset({kept_header("Date", text)}, {});
  redacted_url(text);

  // No secret survives, wherever it stands. An input that has the word itself, in the open, says nothing.
  if (text.find("SECRETVALUE") != std::string_view::npos) return 0;
  const std::string carried = std::string(text.substr(0, 200)) + "&sig=SECRETVALUE";
  if (body_excerpt(carried).find("SECRETVALUE") != std::string::npos) std::abort();
  return 0;
}
