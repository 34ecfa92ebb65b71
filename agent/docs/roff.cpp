#include "agent/docs/roff.hpp"

#include <fmt/format.h>

namespace vnetprobe::roff {
namespace {

std::string_view escaped(char byte) {
  switch (byte) {
    case '\\':
      return "\\e";
    case '-':
      return "\\-";
    case '\'':
      return "\\(aq";
    case '"':
      return "\\(dq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    default:
      return {};
  }
}

}  // namespace

std::string literal(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char byte : text) {
    if (line_begins && byte == '.') out += "\\&";  // a request begins with a dot; the other one, ', is escaped anyway
    line_begins = byte == '\n';
    const auto replacement = escaped(byte);
    if (replacement.empty())
      out += byte;
    else
      out += replacement;
  }
  return out;
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", literal(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", literal(text)); }

std::string text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('`');
    const auto close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) break;
    out += literal(text.substr(0, open)) + bold(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return out + literal(text);
}

std::string example(std::string_view lines) { return fmt::format(".EX\n{}\n.EE\n", literal(lines)); }

std::string heading(std::string_view name, int section, std::string_view what) {
  return fmt::format(".TH {} {} \"\" \"vnetprobe {}\" \"{}\"\n.ad l\n.nh\n", literal(name), section, VNETPROBE_VERSION,
                     what);
}

}  // namespace vnetprobe::roff
