#include "reports/render/text.hpp"

#include "reports/render/observation_text.hpp"
#include "reports/render/text_layout.hpp"
#include "reports/render/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::size_t checks_listed = 8;
constexpr std::size_t evidence_listed = 3;

Tone tone_of(Severity severity) {
  return severity == Severity::critical ? Tone::red : severity == Severity::warning ? Tone::yellow : Tone::dim;
}

class TextReport {
 public:
  TextReport(const Report& report, const TextStyle& style) : report_(report), style_(style) {}

  std::string render() {
    verdict();
    if (!style_.quiet) node();
    int number = 0;
    for (const auto& diagnosis : report_.diagnoses) card(++number, diagnosis);
    if (style_.quiet) return std::move(out_);
    if (style_.verbose) {
      every_check();
    } else {
      failed();
      undecided();
      healthy_groups();
      skipped();
    }
    not_checked();
    ask_others();
    notes();
    hand_on();
    return std::move(out_);
  }

 private:
  void line(std::string_view text = {}) { (out_ += text) += '\n'; }

  // Text after a label, wrapped so that its lines stand under each other.
  void paragraph(std::string_view label, std::string_view text, int indent, Tone tone = Tone::plain) {
    const int label_width = display_width(label);
    const auto lines = wrap(text, style_.width - indent - label_width, 0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string head = i == 0 ? std::string(label) : std::string(static_cast<std::size_t>(label_width), ' ');
      line(std::string(static_cast<std::size_t>(indent), ' ') + toned(head + lines[i], tone, style_.colour));
    }
  }

  void verdict() {
    const Tone tone = report_.verdict == OverallVerdict::healthy     ? Tone::green
                      : report_.verdict == OverallVerdict::unhealthy ? Tone::red
                                                                     : Tone::yellow;
    paragraph("", headline(report_), 0, tone);
    if (const auto cut = incomplete(report_); !cut.empty()) paragraph("", cut, 0, Tone::yellow);
  }

  void node() { paragraph("", fmt::format("{} | {}", node_line(report_), moment(report_.started_at)), 0, Tone::dim); }

  void card(int number, const Diagnosis& diagnosis) {
    line();
    paragraph(fmt::format("{}. ", number), diagnosis.title, 0,
              style_.colour ? tone_of(diagnosis.severity) : Tone::plain);
    line(fmt::format("   [{}] {}, {}", harmless(diagnosis.code), word(diagnosis.severity), word(diagnosis.confidence)));
    paragraph("", diagnosis.explanation, 3);
    paragraph("Who fixes it: ", fixer(diagnosis.owner), 3, Tone::bold);
    for (const auto& fix : diagnosis.fix) {
      paragraph("Fix: ", fix.text, 3);
      // Never wrapped: it is there to be copied.
      if (!fix.command.empty()) line("       " + harmless(fix.command) + (fix.is_template ? "   # fill in <...>" : ""));
    }
    evidence_of(diagnosis);
    if (!diagnosis.checks.empty()) paragraph("Explains: ", folded(diagnosis.checks), 3);
    if (diagnosis.confidence != Confidence::proven) {
      if (!diagnosis.alternatives.empty())
        paragraph("It could also be: ", fmt::format("{}", fmt::join(diagnosis.alternatives, "; ")), 3, Tone::dim);
      if (!diagnosis.next_test.empty()) paragraph("To be sure: ", diagnosis.next_test, 3, Tone::dim);
    }
  }

  // What was seen, each sentence once with the checks that saw it.
  void evidence_of(const Diagnosis& diagnosis) {
    std::vector<std::pair<std::string_view, std::vector<std::string>>> sentences;
    for (const auto& evidence : diagnosis.evidence) {
      auto same = std::ranges::find(sentences, evidence.says, [](const auto& one) { return one.first; });
      if (same == sentences.end()) same = sentences.insert(same, {evidence.says, {}});
      if (std::ranges::find(same->second, evidence.check) == same->second.end()) same->second.push_back(evidence.check);
    }
    const std::size_t listed = style_.verbose ? sentences.size() : std::min(sentences.size(), evidence_listed);
    for (std::size_t i = 0; i < listed; ++i)
      paragraph("Seen: ", fmt::format("{}: {}", folded(sentences[i].second), sentences[i].first), 3);
    if (listed < sentences.size())
      line(fmt::format("   ... and {} (--verbose, or --output html=report.html)",
                       count_of(sentences.size() - listed, "more observation")));
  }

  std::string folded(const std::vector<std::string>& ids) const {
    if (ids.size() <= checks_listed || style_.verbose) return fmt::format("{}", fmt::join(ids, ", "));
    return fmt::format("{} and {} more", fmt::join(ids.begin(), ids.begin() + checks_listed, ", "),
                       ids.size() - checks_listed);
  }

  void check_line(const Check& check, Tone tone) {
    const std::string mark = check.verdict == Verdict::inconclusive ? "?"
                             : check.verdict == Verdict::pass       ? "ok"
                                                                    : std::string(word(check.verdict));
    const std::string optional = check.required ? "" : " (optional)";
    paragraph(fmt::format("{:4} ", mark), fmt::format("{}{}: {}", check.id, optional, check.reason), 2, tone);
  }

  void section(std::string_view title, bool& begun) {
    if (begun) return;
    begun = true;
    line();
    line(toned(title, Tone::bold, style_.colour));
  }

  // The number of the diagnosis above that names this check; 0: none does.
  std::size_t number_of_cause(const Check& check) const {
    for (std::size_t i = 0; i < report_.diagnoses.size(); ++i)
      if (std::ranges::find(report_.diagnoses[i].checks, check.id) != report_.diagnoses[i].checks.end()) return i + 1;
    return 0;
  }

  // A check that a diagnosis explains is named with it; its reason is in the evidence above.
  void failed() {
    std::map<std::size_t, std::vector<std::string>> explained;
    bool begun = false;
    for (const auto& check : report_.checks) {
      if (check.verdict != Verdict::fail && check.verdict != Verdict::warn) continue;
      section("Checks that failed", begun);
      if (const auto cause = number_of_cause(check); cause > 0 && check.verdict == Verdict::fail)
        explained[cause].push_back(check.id);
      else
        check_line(check, check.verdict == Verdict::fail && check.required ? Tone::red : Tone::yellow);
    }
    for (const auto& [cause, ids] : explained)
      paragraph("fail ", fmt::format("{}: see {}.", fmt::join(ids, ", "), cause), 2, Tone::red);
  }

  void undecided() {
    struct Group {
      std::string_view reason;
      bool required{};
      std::vector<std::string> ids;
    };
    std::vector<Group> groups;
    for (const auto& check : report_.checks) {
      if (check.verdict != Verdict::inconclusive) continue;
      auto same = std::ranges::find_if(
          groups, [&](const Group& group) { return group.reason == check.reason && group.required == check.required; });
      if (same == groups.end()) same = groups.insert(same, {.reason = check.reason, .required = check.required});
      same->ids.push_back(check.id);
    }
    bool begun = false;
    for (const auto& group : groups) {
      section("Not decided", begun);
      paragraph("?    ", fmt::format("{}{}: {}", folded(group.ids), group.required ? "" : " (optional)", group.reason),
                2, Tone::dim);
    }
  }

  void healthy_groups() {
    struct Group {
      std::size_t count{};
      std::chrono::microseconds slowest{};
    };
    std::vector<std::string> order;
    std::map<std::string, Group> groups;
    for (const auto& check : report_.checks) {
      if (check.verdict != Verdict::pass) continue;
      const std::string name = check.id.substr(0, check.id.find_first_of("./"));
      if (!groups.contains(name)) order.push_back(name);
      Group& group = groups[name];
      ++group.count;
      group.slowest = std::max(group.slowest, check.duration);
    }
    bool begun = false;
    for (const auto& name : order) {
      section("Passed", begun);
      const Group& group = groups[name];
      line(fmt::format("  {} {:10} {:3} passed, the slowest in {}", toned("ok  ", Tone::green, style_.colour),
                       harmless(name), group.count, describe(group.slowest)));
    }
  }

  void skipped() {
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const auto& check : report_.checks)
      if (check.verdict == Verdict::skip) by_reason[check.reason].push_back(check.id);
    bool begun = false;
    for (const auto& [reason, ids] : by_reason) {
      section("Skipped", begun);
      paragraph("skip ", fmt::format("{}: {}", folded(ids), reason), 2, Tone::dim);
    }
  }

  void every_check() {
    bool begun = false;
    for (const auto& check : report_.checks) {
      section("Every check", begun);
      check_line(check, check.verdict == Verdict::fail   ? Tone::red
                        : check.verdict == Verdict::warn ? Tone::yellow
                                                         : Tone::plain);
      for (const auto& observation : check.observations) paragraph("", describe(observation), 9, Tone::dim);
    }
  }

  void not_checked() {
    bool begun = false;
    for (const auto& missing : report_.not_checked) {
      section("Not checked, for want of a value", begun);
      paragraph("- ", missing, 2, Tone::dim);
    }
  }

  // What no program inside the guest can read; said once.
  void ask_others() {
    const bool network = std::ranges::any_of(report_.diagnoses, [](const Diagnosis& diagnosis) {
      return diagnosis.owner == Owner::network && diagnosis.confidence != Confidence::proven;
    });
    if (!network) return;
    line();
    paragraph("",
              "A node cannot see network security groups, user-defined routes or firewall rules. Ask the network's "
              "owner for the effective "
              "security rules and effective routes of this subnet, and for the firewall's log of these destinations.",
              0, Tone::dim);
  }

  void notes() {
    const auto tell = [&](const std::string& note, Tone tone) {
      if (note.empty()) return;
      line();
      paragraph("", note, 0, tone);
    };
    tell(time_line(report_), Tone::dim);
    tell(change_line(report_), Tone::yellow);
    tell(spool_line(report_), Tone::yellow);
  }

  // One more command from here to a file for somebody else.
  void hand_on() {
    if (report_.verdict == OverallVerdict::healthy) return;
    line();
    paragraph("", "To hand this to support, with all that they ask for and the secrets redacted:", 0);
    line("       vnetprobe bundle --output node.tar.gz");
    paragraph("", "For a page alone, add to the command that you ran:", 0);
    line("       --output html=report.html");
  }

  const Report& report_;
  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) { return TextReport(report, style).render(); }

}  // namespace vnetprobe
