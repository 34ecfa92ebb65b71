#include "agent/bundle/manifest.hpp"

#include "agent/bundle/archive.hpp"
#include "agent/bundle/bundle.hpp"
#include "probes/digest.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <boost/json.hpp>

namespace vnetprobe::bundle {
namespace {

namespace json = boost::json;

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

json::object counts_json(const Counts& counts) {
  json::object object;
  for (const auto& [rule, count] : counts) object[rule] = count;
  return object;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_int64() ? value->get_int64() : 0;
}

std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

std::string describe(const json::object& manifest) {
  std::string text =
      fmt::format("report {}, made by vnetprobe {} from {} to {}{}\n\n", text_at(manifest, "report"),
                  text_at(manifest, "agent"), text_at(manifest, "started_at"), text_at(manifest, "finished_at"),
                  manifest.contains("anonymized") && manifest.at("anonymized").as_bool() ? ", anonymized" : "");
  const auto* items = manifest.if_contains("items");
  if (!items || !items->is_array()) return text + "no list of items\n";
  for (const auto& value : items->get_array()) {
    if (!value.is_object()) continue;
    const auto& item = value.get_object();
    std::int64_t redactions = 0;
    if (const auto* counts = item.if_contains("redactions"); counts && counts->is_object())
      for (const auto& [rule, count] : counts->get_object()) redactions += count.is_int64() ? count.get_int64() : 0;
    text += fmt::format("{:>9}  {}", number_at(item, "bytes"), text_at(item, "id"));
    if (item.contains("truncated") && item.at("truncated").is_bool() && item.at("truncated").get_bool())
      text += ", truncated";
    if (redactions > 0) text += fmt::format(", {} redacted", redactions);
    if (const auto status = number_at(item, "exit_status"); status != 0)
      text += fmt::format(", exit status {}", status);
    if (const auto problem = text_at(item, "problem"); !problem.empty()) text += ": " + problem;
    text += "\n";
  }
  return text;
}

}  // namespace

Manifest::Manifest(std::string report_id, bool anonymized)
    : report_id_(std::move(report_id)), started_at_(now_text()), anonymized_(anonymized) {}

void Manifest::add(const Item& item, const std::string& name, const Redacted& content) {
  json::object row{{"id", item.id}, {"source", item.source}, {"bytes", content.text.size()}};
  if (!name.empty()) row["sha256"] = hex(sha256(content.text));
  row["duration_ms"] = item.duration.count();
  if (item.truncated) row["truncated"] = true;
  if (item.exit_status) row["exit_status"] = *item.exit_status;
  if (!item.problem.empty()) row["problem"] = item.problem;
  if (!content.counts.empty()) row["redactions"] = counts_json(content.counts);
  for (const auto& [rule, count] : content.counts) counts_[rule] += count;
  items_.push_back(std::move(row));
}

std::string Manifest::json(bool complete) const {
  return json::serialize(json::object{{"schema", "vnetprobe.bundle/1"},
                                      {"agent", VNETPROBE_VERSION},
                                      {"report", report_id_},
                                      {"started_at", started_at_},
                                      {"finished_at", now_text()},
                                      {"complete", complete},
                                      {"anonymized", anonymized_},
                                      {"redactions", counts_json(counts_)},
                                      {"items", items_}}) +
         "\n";
}

std::string inspect(const std::string& path, std::string& problem) {
  constexpr std::size_t manifest_at_most = 16U << 20;
  std::string whole, begun;
  std::vector<std::string> names;
  problem = read_archive(path, manifest_at_most, [&](const std::string& name, std::string bytes) {
    names.push_back(name);
    if (name.ends_with("/manifest.json")) whole = std::move(bytes);
    if (name.ends_with("/manifest-begun.json")) begun = std::move(bytes);
    return true;
  });
  const auto& text = whole.empty() ? begun : whole;
  boost::system::error_code damaged;
  const auto value = json::parse(text, damaged);
  if (text.empty() || damaged || !value.is_object()) {
    if (problem.empty()) problem = path + ": no manifest in it; is it a bundle of vnetprobe?";
    return {};
  }
  std::string out;
  if (whole.empty()) {
    out = "INCOMPLETE: whoever made it was stopped. What is in it:\n";
    for (const auto& name : names) out += "  " + plain(name) + "\n";
    problem.clear();
  }
  auto described = describe(value.get_object());
  std::string safe;
  for (const char c : described) safe += c == '\n' || static_cast<unsigned char>(c) >= 0x20 ? c : '?';
  return out + safe;
}

std::string estimate(const Wish& wish) {
  std::string text;
  std::size_t known = 0, commands = 0;
  for (const auto& collector : collectors()) {
    if (!is_chosen(collector.id, wish)) continue;
    if (collector.source != Source::file) {
      ++commands;
      text += fmt::format("{:>9}  {}  ({})\n", "?", collector.id, collector.what);
      continue;
    }
    glob_t found{};
    std::size_t bytes = 0;
    const std::string pattern(collector.what);
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
      for (std::size_t i = 0; i < found.gl_pathc; ++i) {
        struct stat status {};
        if (::stat(found.gl_pathv[i], &status) == 0 && S_ISREG(status.st_mode))
          bytes += std::min(static_cast<std::size_t>(status.st_size), wish.bounds.item_bytes);
      }
    ::globfree(&found);
    known += bytes;
    text += fmt::format("{:>9}  {}  ({})\n", bytes, collector.id, collector.what);
  }
  return text + fmt::format(
                    "files: {} bytes; {} further items of at most {} bytes each; {} bytes in all at most, before "
                    "compression\n",
                    known, commands, wish.bounds.item_bytes, wish.bounds.total_bytes);
}

}  // namespace vnetprobe::bundle
