#include "agent/bundle/bundle.hpp"

#include "agent/bundle/archive.hpp"
#include "agent/bundle/manifest.hpp"
#include "agent/bundle/own_items.hpp"
#include "agent/cli/read_file.hpp"
#include "agent/cli/write_file.hpp"
#include "agent/plan/plan.hpp"
#include "agent/tags/source.hpp"
#include "agent/tags/tag_index.hpp"
#include "reports/bundle/anonymize.hpp"
#include "reports/bundle/redact.hpp"
#include "reports/json/report_json.hpp"
#include "reports/render/html.hpp"
#include "reports/render/text.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

namespace vnetprobe::bundle {
namespace {

// Workers collect, one thread writes. A worker waits while the writer has enough to do: so much is in memory at most.
class Queue {
 public:
  void put(Item item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() < at_most; });
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  void worker_ended() {
    const std::lock_guard lock(mutex_);
    --workers_;
    changed_.notify_all();
  }
  // Absent: all workers have ended and nothing is left.
  std::optional<Item> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty() || workers_ == 0; });
    if (items_.empty()) return std::nullopt;
    Item item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }
  static constexpr int workers = 4;

 private:
  static constexpr std::size_t at_most = 8;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  int workers_ = workers;
};

std::string random_key() {
  std::string key(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1)
    throw std::runtime_error("no random numbers for --anonymize");
  return key;
}

std::string first_label(const std::string& host) { return host.substr(0, host.find('.')); }

// What the report and the environment call this node, its users and its resources.
std::vector<NameToHide> names_of(const Report& report) {
  std::vector<NameToHide> names;
  const auto add = [&](const char* kind, const std::optional<Sourced<std::string>>& value) {
    if (value && !value->value.empty()) names.push_back({.kind = kind, .name = value->value});
  };
  const Node& node = report.node;
  add("host", node.hostname);
  add("workspace", node.workspace);
  add("workspace-id", node.workspace_id);
  add("subscription", node.subscription);
  add("resource-group", node.resource_group);
  add("instance", node.instance);
  for (const auto& user : people_of_this_node()) names.push_back({.kind = "user", .name = user});
  for (const auto& check : report.checks) {
    const auto& host = check.target.host;
    const bool named =
        std::ranges::count(host, '.') >= 2 && host.find_first_not_of("0123456789.:") != std::string::npos;
    const bool of_customer = check.target.private_zone || check.id.find('/') != std::string::npos;
    if (named && of_customer) names.push_back({.kind = "resource", .name = first_label(host)});
  }
  return names;
}

class Maker {
 public:
  Maker(const Report& report, const Wish& wish, const std::function<void(std::string_view)>& progress)
      : report_(report),
        wish_(wish),
        progress_(progress),
        archive_(wish.path),
        manifest_(report.id, wish.anonymize),
        redactor_(wish.own_patterns),
        folder_("vnetprobe-" + report.id + "/") {
    if (wish.anonymize) prepare_anonymizer();
  }

  Made make() {
    // The plan of the bundle first: whoever opens what a killed run has left sees what is missing.
    archive_.add(folder_ + "manifest-begun.json", manifest_.json(false));
    write({.id = "report.json", .source = "this run", .bytes = render_json(report_)});
    write({.id = "report.txt", .source = "this run", .bytes = render_text(report_, {.verbose = true})});
    write({.id = "report.html", .source = "this run", .bytes = render_html(report_)});
    for (auto& earlier : earlier_reports(wish_.spool, wish_.bounds)) write(std::move(earlier));
    collect_all();
    archive_.add(folder_ + "manifest.json", manifest_.json(true));
    archive_.finish();
    if (anonymizer_) write_map();
    return made_;
  }

 private:
  void prepare_anonymizer() {
    tags_ = tags::snapshot(report_.node.cloud ? report_.node.cloud->value : "public");
    if (tags_) index_.emplace(*tags_);
    anonymizer_.emplace(random_key(), names_of(report_), [this](const std::string& address) {
      const auto parsed = tags::parse_address(address);
      return index_ && parsed && !index_->look_up(*parsed).empty();
    });
  }

  void collect_all() {
    std::vector<const Collector*> chosen;
    for (const auto& collector : collectors())
      if (is_chosen(collector.id, wish_)) chosen.push_back(&collector);
    const auto since =
        fmt::format("@{}", std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - wish_.since));
    const auto until = std::chrono::steady_clock::now() + wish_.bounds.total;
    Queue queue;
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> workers;
    for (int i = 0; i < Queue::workers; ++i)
      workers.emplace_back([&] {
        for (std::size_t place = next++; place < chosen.size(); place = next++) {
          const Collector& collector = *chosen[place];
          std::vector<Item> items;
          if (std::chrono::steady_clock::now() > until)
            items.push_back({.id = std::string(collector.id),
                             .source = std::string(collector.what),
                             .problem = "left out: the time for all items is over"});
          else
            items = collector.source == Source::own ? own_items(collector) : collect(collector, since, wish_.bounds);
          for (auto& item : items) queue.put(std::move(item));
        }
        queue.worker_ended();
      });
    while (auto item = queue.take()) write(std::move(*item));
  }

  void write(Item item) {
    if (progress_) progress_(item.id);
    auto redacted =
        item.id == "environment/agent" ? redactor_.redact_environment(item.bytes) : redactor_.redact(item.bytes);
    if (anonymizer_) redacted.text = anonymizer_->hide(redacted.text);
    // What the item is called may name the same things.
    item.source = redactor_.redact(item.source).text;
    if (anonymizer_) {
      item.source = anonymizer_->hide(item.source);
      item.id = anonymizer_->hide(item.id);
    }
    if (made_.bytes + redacted.text.size() > wish_.bounds.total_bytes) {
      item.problem = "left out: the bundle's bound is reached";
      redacted.text.clear();
    }
    const bool has_content = !redacted.text.empty() || item.problem.empty();
    const std::string name = folder_ + item.id;
    if (has_content) archive_.add(name, redacted.text);
    made_.bytes += redacted.text.size();
    ++made_.items;
    made_.failed += item.problem.empty() ? 0 : 1;
    made_.truncated += item.truncated ? 1 : 0;
    for (const auto& [rule, count] : redacted.counts) made_.redactions += count;
    manifest_.add(item, has_content ? item.id : "", redacted);
  }

  void write_map() {
    namespace json = boost::json;
    json::object map;
    for (const auto& [from, to] : anonymizer_->mapped()) map[to] = from;
    made_.map_path = wish_.path + ".map.json";
    const auto mask = ::umask(077);
    const auto problem = write_file(made_.map_path, json::serialize(map) + "\n");
    ::umask(mask);
    if (!problem.empty()) throw std::runtime_error(problem);
  }

  const Report& report_;
  const Wish& wish_;
  const std::function<void(std::string_view)>& progress_;
  ArchiveWriter archive_;
  Manifest manifest_;
  Redactor redactor_;
  std::string folder_;
  std::optional<tags::TagFile> tags_;
  std::optional<tags::TagIndex> index_;
  std::optional<Anonymizer> anonymizer_;
  Made made_;
};

}  // namespace

bool is_chosen(std::string_view id, const Wish& wish) {
  const auto matches = [&](const std::string& pattern) { return glob_matches(pattern, std::string(id)); };
  if (!wish.only.empty() && std::ranges::none_of(wish.only, matches)) return false;
  return std::ranges::none_of(wish.skip, matches);
}

Made make_bundle(const Report& report, const Wish& wish, const std::function<void(std::string_view)>& progress) {
  return Maker(report, wish, progress).make();
}

namespace {

// What takes the entries of a bundle until its report has come.
auto taker_of_report(std::optional<std::string>& report) {
  return [&report](const std::string& name, std::string bytes) {
    if (!name.ends_with("/report.json")) return true;
    report = std::move(bytes);
    return false;
  };
}

std::string without_a_report(const std::string& name) {
  return name + ": no report.json in it; is it a bundle of vnetprobe?";
}

}  // namespace

std::optional<std::string> report_in(const std::string& path, std::string& problem) {
  std::optional<std::string> report;
  problem = read_archive(path, report_at_most, taker_of_report(report));
  if (!report && problem.empty()) problem = without_a_report(path);
  return report;
}

std::optional<std::string> report_in_bytes(std::string_view bytes, const std::string& name, std::string& problem) {
  std::optional<std::string> report;
  problem = read_archive_in(bytes, name, report_at_most, taker_of_report(report));
  if (!report && problem.empty()) problem = without_a_report(name);
  return report;
}

}  // namespace vnetprobe::bundle
