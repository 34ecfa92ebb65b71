#include "agent/cli/explain.hpp"

#include "reports/json/json_writer.hpp"
#include "reports/render/text_layout.hpp"

#include <fmt/format.h>
#include <boost/describe/enum_to_string.hpp>

namespace vnetprobe {
namespace {

constexpr int indent = 2;

void section(std::string& out, std::string_view title, std::string_view text) {
  if (text.empty()) return;
  out += fmt::format("\n{}\n", title);
  for (const auto& line : wrap(text, usual_width - indent, 0)) out += std::string(indent, ' ') + line + '\n';
}

std::string_view named(Owner owner) { return boost::describe::enum_to_string(owner, ""); }
std::string_view named(Confidence confidence) { return boost::describe::enum_to_string(confidence, ""); }

}  // namespace

std::string explain_text(const CodeEntry& table_entry) {
  const auto entry = without_values(table_entry);
  std::string out = fmt::format("{}\n", entry.code);
  for (const auto& line : wrap(entry.title, usual_width, 0)) out += line + '\n';
  section(out, "What it means", entry.explanation);
  section(out, "Evidence that it needs", entry.evidence);
  section(out, "What can mislead", entry.misleads);
  if (entry.healthy) {
    section(out, "Who fixes it", "Nobody: this is a healthy state.");
  } else {
    section(
        out, "Who fixes it",
        fmt::format("{} (best confidence from inside the node: {})", named(entry.owner), named(entry.best_confidence)));
  }
  if (!entry.fix.empty()) out += "\nHow\n";
  for (const auto& fix : entry.fix) {
    for (const auto& line : wrap(fix.text, usual_width - indent, 0)) out += std::string(indent, ' ') + line + '\n';
    if (!fix.command.empty()) out += fmt::format("    {}\n", harmless(fix.command));
  }
  section(out, "It could also be", fmt::format("{}", fmt::join(entry.alternatives, "; ")));
  section(out, "What would tell", entry.next_test);
  section(out, "Reference", entry.reference);
  return out;
}

std::string explain_json(const CodeEntry& table_entry) {
  const auto entry = without_values(table_entry);
  JsonWriter out;
  const auto text = [&](std::string_view key, std::string_view value) {
    out.key(key);
    out.text(value);
  };
  out.begin_object();
  text("code", entry.code);
  text("title", entry.title);
  text("explanation", entry.explanation);
  text("evidence", entry.evidence);
  text("misleads", entry.misleads);
  text("owner", named(entry.owner));
  text("best_confidence", named(entry.best_confidence));
  out.key("alternatives");
  out.begin_array();
  for (const auto& alternative : entry.alternatives) out.text(alternative);
  out.end_array();
  text("next_test", entry.next_test);
  out.key("fix");
  out.begin_array();
  for (const auto& fix : entry.fix) {
    out.begin_object();
    text("text", fix.text);
    text("command", fix.command);
    out.end_object();
  }
  out.end_array();
  text("reference", entry.reference);
  out.key("healthy");
  out.boolean(entry.healthy);
  out.end_object();
  return out.take();
}

}  // namespace vnetprobe
