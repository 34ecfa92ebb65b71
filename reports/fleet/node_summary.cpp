#include "reports/fleet/node_summary.hpp"

#include "reports/diagnosis/addresses.hpp"

#include <fmt/format.h>
#include <boost/describe/enum_from_string.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>

namespace vnetprobe {
namespace {

namespace json = boost::json;
using Problem = boost::system::error_code;

constexpr std::size_t string_at_most = 300, checks_at_most = 20'000, diagnoses_at_most = 1000, traits_at_most = 200;
constexpr std::string_view schema = "vnetprobe.report/1";

// Where in a report the parser stands, as far as anything is taken from there.
enum class Place {
  root,
  agent,
  node,
  sourced,
  addresses,
  address,
  resolvers,
  resolver,
  proxies,
  proxy,
  diagnoses,
  diagnosis,
  checks,
  check,
  observations,
  observation,
  subnets,
  elsewhere
};

// Which object or array opens behind a key; the rest is elsewhere.
struct Door {
  Place from;
  std::string_view key;
  Place to;
};
constexpr std::array<Door, 10> doors{{{Place::root, "agent", Place::agent},
                                      {Place::root, "node", Place::node},
                                      {Place::root, "diagnoses", Place::diagnoses},
                                      {Place::root, "checks", Place::checks},
                                      {Place::node, "addresses", Place::addresses},
                                      {Place::node, "resolvers", Place::resolvers},
                                      {Place::node, "proxy", Place::proxies},
                                      {Place::check, "observations", Place::observations},
                                      {Place::observation, "subnets", Place::subnets}}};

// An array's elements.
constexpr Place element_of(Place array) {
  switch (array) {
    case Place::addresses:
      return Place::address;
    case Place::resolvers:
      return Place::resolver;
    case Place::proxies:
      return Place::proxy;
    case Place::diagnoses:
      return Place::diagnosis;
    case Place::checks:
      return Place::check;
    case Place::observations:
      return Place::observation;
    default:
      return Place::elsewhere;
  }
}

// Members of `node` that nodes can have in common, and what they are called.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> node_traits{
    {{"os", "operating system"},
     {"kernel", "kernel"},
     {"profile", "profile"},
     {"cloud", "cloud"},
     {"region", "region"},
     {"workspace", "workspace"},
     {"outbound", "outbound"},
     {"resource_group", "resource group"},
     {"subscription", "subscription"},
     {"public_ip", "public IP"},
     {"container", "in a container"}}};

// The same of an answer of IMDS.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> imds_traits{
    {{"vm_size", "VM size"}, {"scale_set", "scale set"}, {"zone", "availability zone"}}};

std::string cut(std::string_view text) {
  if (text.size() <= string_at_most) return std::string(text);
  std::size_t end = string_at_most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

template <class Table>
std::string_view called(const Table& table, std::string_view key) {
  const auto found = std::ranges::find(table, key, [](const auto& row) { return row.first; });
  return found == table.end() ? std::string_view() : found->second;
}

// The handler that boost::json::basic_parser calls.
class Events {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  NodeSummary take_node() { return std::move(node_); }
  const std::string& error() const { return error_; }

  bool on_document_begin(Problem&) { return true; }
  bool on_document_end(Problem&) {
    add_image();
    return true;
  }
  bool on_object_begin(Problem&) {
    enter(places_.empty() ? Place::root : opened(true));
    return true;
  }
  bool on_object_end(std::size_t, Problem&) {
    leave();
    return true;
  }
  bool on_array_begin(Problem&) {
    enter(places_.empty() ? Place::elsewhere : opened(false));
    return true;
  }
  bool on_array_end(std::size_t, Problem&) {
    leave();
    return true;
  }
  bool on_key_part(std::string_view part, std::size_t, Problem&) { return collect(part); }
  bool on_key(std::string_view part, std::size_t, Problem&) {
    if (place() == Place::elsewhere) return true;
    key_ = whole(part);
    return true;
  }
  bool on_string_part(std::string_view part, std::size_t, Problem&) { return collect(part); }
  bool on_string(std::string_view part, std::size_t, Problem& problem) {
    if (place() == Place::elsewhere) return forget();
    take_text(cut(whole(part)));
    if (!error_.empty()) problem = json::error::syntax;
    return error_.empty();
  }
  bool on_number_part(std::string_view, Problem&) { return true; }
  bool on_int64(std::int64_t, std::string_view, Problem&) { return true; }
  bool on_uint64(std::uint64_t, std::string_view, Problem&) { return true; }
  bool on_double(double, std::string_view, Problem&) { return true; }
  bool on_bool(bool value, Problem&) {
    if (place() == Place::root && key_ == "complete") node_.complete = value;
    if (place() == Place::sourced && key_ == "value") add_trait(called(node_traits, member_), value ? "yes" : "no");
    return true;
  }
  bool on_null(Problem&) { return true; }
  bool on_comment_part(std::string_view, Problem&) { return true; }
  bool on_comment(std::string_view, Problem&) { return true; }

 private:
  Place place() const { return places_.empty() ? Place::elsewhere : places_.back(); }

  Place opened(bool object) {
    const Place from = place();
    if (from == Place::elsewhere) return from;
    if (const auto element = element_of(from); element != Place::elsewhere) return object ? element : Place::elsewhere;
    if (from == Place::node && object) {
      member_ = key_;
      return Place::sourced;
    }
    const auto door = std::ranges::find_if(doors, [&](const Door& one) { return one.from == from && one.key == key_; });
    if (door == doors.end()) return Place::elsewhere;
    return door->to;
  }

  void enter(Place place) {
    places_.push_back(place);
    if (place == Place::check && node_.checks.size() < checks_at_most) node_.checks.emplace_back();
    if (place == Place::diagnosis && node_.diagnoses.size() < diagnoses_at_most) node_.diagnoses.emplace_back();
    if (place == Place::observation) layer_.clear();
  }

  void leave() {
    // What is for information is no cause.
    if (place() == Place::diagnosis && !node_.diagnoses.empty() && node_.diagnoses.back().severity == Severity::info)
      node_.diagnoses.pop_back();
    places_.pop_back();
    key_.clear();
  }

  bool collect(std::string_view part) {
    if (place() != Place::elsewhere && text_.size() < 4 * string_at_most) text_.append(part);
    return true;
  }
  bool forget() {
    text_.clear();
    return true;
  }
  std::string whole(std::string_view part) {
    std::string text = std::move(text_);
    text_.clear();
    return text.append(part);
  }

  template <class Enum>
  void take_enum(const std::string& text, Enum& into) {
    if (!boost::describe::enum_from_string(text.c_str(), into))
      error_ = fmt::format("{}: '{}' is not known", key_, text);
  }

  void take_text(std::string text) {
    switch (place()) {
      case Place::root:
        return take_root(std::move(text));
      case Place::agent:
        if (key_ == "version" || key_ == "catalog") add_trait(key_ == "version" ? "agent" : "catalogue", text);
        return;
      case Place::sourced:
        if (key_ != "value") return;
        if (member_ == "hostname") node_.hostname = text;
        return add_trait(called(node_traits, member_), text);
      case Place::address:
        if (key_ == "value") add_subnet(text);
        return;
      case Place::resolver:
        if (key_ == "value") add_trait("resolver", text);
        return;
      case Place::proxy:
        if (key_ == "value") add_trait("proxy setting", text);
        return;
      case Place::diagnosis:
        return take_diagnosis(std::move(text));
      case Place::check:
        if (key_ == "id")
          node_.checks.back().id = std::move(text);
        else if (key_ == "verdict")
          take_enum(text, node_.checks.back().verdict);
        return;
      case Place::observation:
        return take_observation(text);
      case Place::subnets:
        if (layer_ == "imds") add_subnet(text);
        return;
      default:
        return;
    }
  }

  void take_root(std::string text) {
    if (key_ == "schema" && text != schema) error_ = fmt::format("schema '{}'; this version reads {}", text, schema);
    if (key_ == "schema") has_schema_ = true;
    if (key_ == "verdict") {
      take_enum(text, node_.verdict);
      has_verdict_ = true;
    }
    if (key_ == "started_at") node_.started_at = std::move(text);
  }

  void take_diagnosis(std::string text) {
    auto& diagnosis = node_.diagnoses.back();
    if (key_ == "code")
      diagnosis.code = std::move(text);
    else if (key_ == "title")
      diagnosis.title = std::move(text);
    else if (key_ == "severity")
      take_enum(text, diagnosis.severity);
    else if (key_ == "owner")
      take_enum(text, diagnosis.owner);
  }

  void take_observation(const std::string& text) {
    if (key_ == "layer") layer_ = text;
    if (layer_ != "imds") return;
    if (key_ == "vm_id") node_.machine = text;
    if (key_ == "publisher" || key_ == "offer" || key_ == "sku") image_ += (image_.empty() ? "" : ":") + text;
    add_trait(called(imds_traits, key_), text);
  }

  void add_image() { add_trait("image", image_); }

  void add_subnet(const std::string& cidr) {
    const auto address = cidr.substr(0, cidr.find('/'));
    if (is_loopback(address) || is_link_local(address)) return;
    add_trait("subnet", network_of(cidr));
  }

  void add_trait(std::string_view kind, std::string_view value) {
    if (kind.empty() || value.empty() || node_.traits.size() >= traits_at_most) return;
    node_.traits.push_back({.kind = std::string(kind), .value = std::string(value)});
  }

 public:
  // What is missing, once the document is whole.
  std::string complaint() const {
    if (!has_schema_) return "no report of vnetprobe: the key 'schema' is missing";
    if (!has_verdict_ || node_.started_at.empty())
      return fmt::format("the key '{}' is missing", has_verdict_ ? "started_at" : "verdict");
    return "";
  }

 private:
  NodeSummary node_;
  std::vector<Place> places_;
  std::string key_, member_, text_, layer_, image_, error_;
  bool has_schema_{}, has_verdict_{};
};

}  // namespace

ReadSummary read_summary(std::string_view text, std::string file) {
  json::basic_parser<Events> parser(json::parse_options{.max_depth = 64});
  Problem problem;
  const auto read = parser.write_some(false, text.data(), text.size(), problem);
  const auto rest = text.substr(std::min(read, text.size()));
  if (!parser.handler().error().empty()) return {.node = {}, .error = parser.handler().error()};
  if (problem) return {.node = {}, .error = fmt::format("byte {}: {}", read, problem.message())};
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
    return {.node = {}, .error = fmt::format("byte {}: more than one document", read)};
  if (auto missing = parser.handler().complaint(); !missing.empty()) return {.node = {}, .error = std::move(missing)};
  NodeSummary node = parser.handler().take_node();
  node.file = std::move(file);
  std::ranges::sort(node.traits);
  node.traits.erase(std::unique(node.traits.begin(), node.traits.end()), node.traits.end());
  return {.node = std::move(node), .error = ""};
}

}  // namespace vnetprobe
