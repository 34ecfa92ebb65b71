#include "agent/delivery/message.hpp"

#include "reports/json/report_json.hpp"
#include "reports/render/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace vnetprobe::delivery {
namespace {

// What a serial console and a journal's line can show.
std::string ascii(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      plain += c;
    else if (byte < 0x80 || byte >= 0xc0)  // a control character, or the first byte of a longer one
      plain += '?';
  }
  return plain;
}

constexpr std::size_t diagnoses_told = 8;

std::string summary_of(const Report& report, const Message& message) {
  std::string text = fmt::format("vnetprobe: {}: {} ({} pass, {} warn, {} fail, {} undecided) report {}\n",
                                 ascii(message.host), message.verdict, report.summary.pass, report.summary.warn,
                                 report.summary.fail, report.summary.inconclusive, message.id);
  if (const auto change = change_line(report); !change.empty())
    text += fmt::format("vnetprobe:   {}\n", ascii(change).substr(0, 200));
  std::size_t told = 0;
  for (const auto& diagnosis : report.diagnoses) {
    if (diagnosis.severity == Severity::info) continue;
    if (++told > diagnoses_told) {
      text += "vnetprobe:   and more\n";
      break;
    }
    text += fmt::format("vnetprobe:   {}: {}\n", diagnosis.code, ascii(diagnosis.title).substr(0, 200));
  }
  return text;
}

}  // namespace

Message message_of(const Report& report) {
  Message message{.id = report.id,
                  .verdict = boost::describe::enum_to_string(report.verdict, "inconclusive"),
                  .started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                            fmt::gmtime(std::chrono::system_clock::to_time_t(report.started_at))),
                  .host = report.node.hostname ? report.node.hostname->value : "this node"};
  for (const auto& diagnosis : report.diagnoses)
    if (diagnosis.severity != Severity::info) message.codes.push_back(diagnosis.code);
  message.summary = summary_of(report, message);
  message.json = render_json(report);
  return message;
}

}  // namespace vnetprobe::delivery
