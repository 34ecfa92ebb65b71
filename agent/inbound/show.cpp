#include "agent/inbound/show.hpp"

#include "reports/json/write_described.hpp"
#include "reports/render/text_layout.hpp"

#include <fmt/chrono.h>

namespace vnetprobe::inbound {
namespace {

Tone tone_of(ReachVerdict verdict) {
  switch (verdict) {
    case ReachVerdict::reached:
      return Tone::green;
    case ReachVerdict::not_proven:
    case ReachVerdict::answered_by_another:
      return Tone::yellow;
    default:
      return Tone::red;
  }
}

void add_wrapped(std::string& text, std::string_view words, int indent) {
  std::string first(static_cast<std::size_t>(indent), ' ');
  for (const auto& line : wrap(harmless(words), usual_width - indent, 0)) text += first + line + "\n";
}

std::string word(ReachVerdict verdict) {
  std::string name = described::enum_name(verdict);
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

template <class Report>
std::string json_of(const Report& report) {
  JsonWriter out;
  described::write(out, report);
  return out.take() + "\n";
}

std::string_view ending(const ListenReport& report) {
  if (report.ended_by == "all reached") return "every port was reached";
  return report.ended_by == "signal" ? "ended by a signal" : "the time is over";
}

void add_visits(const PortVisits& port, bool colour, std::string& text) {
  if (!port.problem.empty()) {
    text += fmt::format("{}  {}\n", port.port, toned("not listened at", Tone::yellow, colour));
    return add_wrapped(text, port.problem, 6);
  }
  const bool reached = port.proven > 0;
  text += fmt::format("{}  {}\n", port.port,
                      toned(reached ? "reached" : "not reached", reached ? Tone::green : Tone::red, colour));
  for (const auto& visitor : port.visitors)
    add_wrapped(text,
                fmt::format("{:%H:%M:%S} UTC {}: {}", std::chrono::floor<std::chrono::seconds>(visitor.at),
                            visitor.address, visitor.proven ? "proven" : "not proven: it has no token, or another one"),
                6);
  if (port.visits > static_cast<int>(port.visitors.size()))
    text += fmt::format("      ... and {} visits more\n", port.visits - static_cast<int>(port.visitors.size()));
  if (port.half_open > 0)
    add_wrapped(
        text,
        fmt::format("{} connection{} began and {} never completed: packets arrive here, and the answers do not get "
                    "back, as when a route leads them to another appliance (route.asymmetric_inbound)",
                    port.half_open, port.half_open == 1 ? "" : "s", port.half_open == 1 ? "was" : "were"),
        6);
  if (!reached && port.visits == 0 && port.half_open == 0)
    add_wrapped(text, "nobody came: run `vnetprobe reach` on the other machine, or an NSG or a route keeps it away", 6);
}

}  // namespace

std::string as_text(const ReachReport& report, bool colour) {
  std::string text;
  for (const auto& one : report.ports) {
    text +=
        fmt::format("{}  {}  {}\n", to_string(Endpoint{.address = one.address, .port = one.port}),
                    toned(word(one.verdict), tone_of(one.verdict), colour),
                    one.tcp.rtt ? fmt::format("rtt {:.1f} ms", static_cast<double>(one.tcp.rtt->count()) / 1000) : "");
    while (text.size() > 1 && text[text.size() - 2] == ' ') text.erase(text.size() - 2, 1);
    add_wrapped(text, one.says, 6);
    if (one.next.starts_with("az "))
      text += "      Allow it, if it is the NSG:\n          " + one.next + "\n";
    else if (!one.next.empty())
      add_wrapped(text, "Next: " + one.next, 6);
  }
  return text;
}

std::string as_text(const ListenReport& report, bool colour) {
  std::string text = fmt::format("Listened from {:%Y-%m-%d %H:%M:%S} to {:%H:%M:%S} UTC: {}\n",
                                 std::chrono::floor<std::chrono::seconds>(report.started_at),
                                 std::chrono::floor<std::chrono::seconds>(report.finished_at), ending(report));
  for (const auto& port : report.ports) add_visits(port, colour, text);
  return text;
}

std::string as_json(const ReachReport& report) { return json_of(report); }
std::string as_json(const ListenReport& report) { return json_of(report); }

}  // namespace vnetprobe::inbound
