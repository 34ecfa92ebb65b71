#include "reports/render/fleet.hpp"

#include "reports/json/write_described.hpp"
#include "reports/render/text_layout.hpp"
#include "reports/render/words.hpp"

#include <algorithm>

namespace vnetprobe {
namespace {

constexpr struct { std::size_t names = 12, rows = 40, columns = 40, skipped = 20; } terminal_room;

// As it stands in the matrix of a terminal: what is wrong is large.
char shown(char verdict) {
  switch (verdict) {
    case 'p':
      return '.';
    case 'f':
      return 'F';
    case 'i':
      return '?';
    case '-':
      return ' ';
    default:
      return verdict;
  }
}

class TextFleet {
 public:
  TextFleet(const Fleet& fleet, const TextStyle& style) : fleet_(fleet), style_(style) {}

  std::string render() {
    const bool well = verdict_of(fleet_) == OverallVerdict::healthy;
    paragraph("", headline(fleet_), 0, well ? Tone::green : fleet_.unhealthy > 0 ? Tone::red : Tone::yellow);
    int older = 0;
    for (const auto& node : fleet_.nodes) older += node.older_reports;
    if (older > 0)
      paragraph("",
                fmt::format("The newest report of each node counts; {} left out.",
                            count_of(static_cast<std::size_t>(older), "older one")),
                0);
    int number = 0;
    for (const auto& diagnosis : fleet_.diagnoses) tell(diagnosis, ++number);
    if (!style_.quiet) matrix();
    skipped();
    return std::move(out_);
  }

 private:
  void tell(const FleetDiagnosis& diagnosis, int number) {
    out_ += '\n';
    paragraph(fmt::format("{}. ", number), diagnosis.title, 0, Tone::bold);
    paragraph("",
              fmt::format("[{}] {}, on {} of {}", diagnosis.code, word(diagnosis.severity), diagnosis.nodes.size(),
                          count_of(fleet_.nodes.size(), "node")),
              3, Tone::dim);
    paragraph("", fmt::format("Who fixes it: {}", fixer(diagnosis.owner)), 3);
    for (const auto& common : diagnosis.common) paragraph("", in_words(common, diagnosis.nodes.size()), 3);
    paragraph("Nodes: ", some_of(diagnosis.nodes, style_.verbose ? diagnosis.nodes.size() : terminal_room.names), 3);
  }

  void matrix() {
    const auto matrix = matrix_of(fleet_, terminal_room.columns);
    out_ += '\n';
    if (matrix.checks.empty()) {
      paragraph("", fmt::format("{} passed, or did not apply, on every node.", count_of(fleet_.checks.size(), "check")),
                0);
      return;
    }
    paragraph("", "Checks that did not pass everywhere (. pass, w warn, F fail, s skip, ? undecided):", 0, Tone::bold);
    const auto rows = std::min(matrix.rows.size(), terminal_room.rows);
    for (std::size_t i = 0; i < rows; ++i) {
      std::string letters;
      for (const char verdict : matrix.rows[i].verdicts) letters += shown(verdict);
      paragraph(letters + "  ",
                fmt::format("{}: {}", count_of(matrix.rows[i].nodes.size(), "node"), some_of(matrix.rows[i].nodes, 3)),
                2);
    }
    if (matrix.rows.size() > rows)
      paragraph("", fmt::format("and {} more patterns; --format html shows them", matrix.rows.size() - rows), 2,
                Tone::dim);
    for (std::size_t i = 0; i < matrix.checks.size(); ++i)
      paragraph(std::string(i, '|') + "`- ", matrix.checks[i], 2, Tone::dim);
    if (matrix.checks_left_out > 0)
      paragraph("", fmt::format("and {} more checks", matrix.checks_left_out), 2, Tone::dim);
  }

  void skipped() {
    if (fleet_.skipped.empty()) return;
    out_ += '\n';
    paragraph("", fmt::format("{} left out:", count_of(fleet_.skipped.size(), "file")), 0, Tone::yellow);
    const auto told = std::min(fleet_.skipped.size(), style_.verbose ? fleet_.skipped.size() : terminal_room.skipped);
    for (std::size_t i = 0; i < told; ++i)
      paragraph("", fmt::format("{}: {}", fleet_.skipped[i].file, fleet_.skipped[i].error), 2);
    if (told < fleet_.skipped.size()) paragraph("", fmt::format("and {} more", fleet_.skipped.size() - told), 2);
  }

  void paragraph(std::string_view label, std::string_view text, int indent, Tone tone = Tone::plain) {
    const auto lines = wrap(text, style_.width - indent - display_width(label), 0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string head = i == 0 ? std::string(label) : std::string(label.size(), ' ');
      out_ += std::string(static_cast<std::size_t>(indent), ' ') + toned(head + lines[i], tone, style_.colour) + '\n';
    }
  }

  const Fleet& fleet_;
  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::string headline(const Fleet& fleet) {
  const auto all = count_of(fleet.nodes.size(), "node");
  std::vector<std::string> parts;
  for (const auto& [count, name] :
       {std::pair{fleet.unhealthy, "unhealthy"}, {fleet.inconclusive, "inconclusive"}, {fleet.degraded, "degraded"}})
    if (count > 0) parts.push_back(fmt::format("{} {}", count, name));
  const auto causes =
      fleet.diagnoses.empty() ? "" : fmt::format("; {} found", count_of(fleet.diagnoses.size(), "cause"));
  if (parts.empty()) return fmt::format("HEALTHY: {}{}", all, causes);
  auto name = phrase(verdict_of(fleet));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return static_cast<char>(c - ('a' <= c && c <= 'z' ? 32 : 0)); });
  return fmt::format("{}: of {}, {}{}", name, all, fmt::join(parts, ", "), causes);
}

std::string some_of(const std::vector<std::string>& names, std::size_t at_most) {
  const auto shown = std::min(names.size(), at_most);
  auto text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown == names.size() ? text : text + fmt::format(" and {} more", names.size() - shown);
}

std::string render_text(const Fleet& fleet, const TextStyle& style) { return TextFleet(fleet, style).render(); }

std::string render_json(const Fleet& fleet) {
  JsonWriter out;
  described::write(out, fleet);
  return out.take();
}

}  // namespace vnetprobe
