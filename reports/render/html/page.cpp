#include "reports/render/html/page.hpp"

#include <array>
#include <utility>

namespace vnetprobe {

namespace embedded {
extern const std::string_view page_html, page_css, page_js, page_css_sha256, page_js_sha256;
}

namespace html {
namespace {

unsigned nibble(char digit) { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

// A hash source of a Content-Security-Policy wants base64, CMake gives hex.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < hex.size(); at += 6) {
    const std::size_t digits = std::min<std::size_t>(6, hex.size() - at);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 6; ++i) bits = bits << 4U | (i < digits ? nibble(hex[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= digits * 4 / 8 ? alphabet[bits >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

}  // namespace

std::string page(const Page& content) {
  const std::string title = escaped(content.title, 200);
  const std::string style_hash = base64_of_hex(embedded::page_css_sha256);
  const std::string script_hash = base64_of_hex(embedded::page_js_sha256);
  const std::array<std::pair<std::string_view, std::string_view>, 7> values{{{"title", title},
                                                                             {"verdict", content.verdict},
                                                                             {"style", embedded::page_css},
                                                                             {"script", embedded::page_js},
                                                                             {"style-sha256", style_hash},
                                                                             {"script-sha256", script_hash},
                                                                             {"body", content.body}}};
  std::string out;
  out.reserve(content.body.size() + embedded::page_css.size() + embedded::page_js.size() + 4096);
  std::string_view rest = embedded::page_html;
  for (auto from = rest.find("{{"); from != std::string_view::npos; from = rest.find("{{")) {
    const auto to = rest.find("}}", from);
    const auto name = rest.substr(from + 2, to - from - 2);
    out += rest.substr(0, from);
    for (const auto& [key, value] : values)
      if (key == name) out += value;
    rest.remove_prefix(to + 2);
  }
  out += rest;
  return out;
}

}  // namespace html
}  // namespace vnetprobe
