#include "agent/tags/tag_file.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/stream_parser.hpp>

#include <charconv>
#include <numeric>
#include <unordered_set>

namespace vnetprobe::tags {
namespace {

namespace json = boost::json;

constexpr std::size_t inflated_at_most = 64U << 20;

// Microsoft writes numbers, the discovery API strings.
long number_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return 0;
  if (const auto* number = value->if_int64()) return *number;
  long parsed = 0;
  if (const auto* text = value->if_string()) std::from_chars(text->data(), text->data() + text->size(), parsed);
  return parsed;
}

std::string text_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

class Reader {
 public:
  Reader(const std::string& path, bool lenient) : path_(path), lenient_(lenient) {}

  void read(const json::value& root, TagFile& file) {
    const json::array* values = root.if_array();
    if (const auto* object = root.if_object()) {
      file.cloud = text_in(*object, "cloud");
      file.change_number = number_in(*object, "changeNumber");
      if (file.date.empty()) file.date = text_in(*object, "date");
      const auto* member = object->if_contains("values");
      values = member ? member->if_array() : nullptr;
      // One tag alone, as a --query of the first match prints it.
      if (!values && object->contains("properties")) return read_tag(root, 0, file);
    }
    if (!values) return complain("", "no array of tags: expected an object with `values`, or the array itself");
    for (std::size_t i = 0; i < values->size(); ++i) {
      read_tag((*values)[i], i, file);
      if (!lenient_ && !errors.empty()) return;
    }
  }

  std::vector<std::string> errors;

 private:
  void complain(const std::string& tag, const std::string& what) {
    constexpr std::size_t enough = 20;
    if (errors.size() < enough)
      errors.push_back(tag.empty() ? fmt::format("{}: {}", path_, what)
                                   : fmt::format("{}: tag {}: {}", path_, tag, what));
  }

  void read_tag(const json::value& value, std::size_t index, TagFile& file) {
    const auto* object = value.if_object();
    const std::string place = fmt::format("values[{}]", index);
    if (!object) return complain(place, "expected an object");
    ServiceTag tag{.name = text_in(*object, "name")};
    if (tag.name.empty()) return complain(place, "has no `name`");
    const auto* member = object->if_contains("properties");
    const auto* properties = member ? member->if_object() : nullptr;
    const auto* list = properties ? properties->if_contains("addressPrefixes") : nullptr;
    const auto* prefixes = list ? list->if_array() : nullptr;
    if (!prefixes) return complain(tag.name, "has no `properties.addressPrefixes`");
    tag.region = text_in(*properties, "region");
    tag.change_number = number_in(*properties, "changeNumber");
    if (!names_.insert(tag.name).second) return complain(tag.name, "is there twice");
    tag.prefixes.reserve(prefixes->size());
    for (const auto& prefix : *prefixes) {
      const auto* text = prefix.if_string();
      if (!text) {
        complain(tag.name, "a prefix is not a text");
        continue;
      }
      const auto parsed = parse_cidr(*text);
      if (parsed.value)
        tag.prefixes.push_back(*parsed.value);
      else
        complain(tag.name, fmt::format("'{}' {}", std::string_view(*text).substr(0, 60), parsed.error));
    }
    file.tags.push_back(std::move(tag));
  }

  const std::string& path_;
  bool lenient_;
  std::unordered_set<std::string> names_;
};

// The CLI may print a warning line first. An HTML page has no JSON at the start of a line.
std::size_t start_of_json(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = text.find_first_not_of(" \t\r", at);
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) return first;
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return std::string_view::npos;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace

std::size_t TagFile::prefix_count() const {
  return std::accumulate(tags.begin(), tags.end(), std::size_t{0},
                         [](std::size_t sum, const ServiceTag& tag) { return sum + tag.prefixes.size(); });
}

std::optional<std::string> inflate(std::string_view bytes, std::size_t limit) {
  z_stream stream{};
  constexpr int gzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, gzip) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= limit) {
    const auto before = text.size();
    text.resize(before + (1U << 20));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + before);
    stream.avail_out = 1U << 20;
    status = ::inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) break;  // cut off
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || text.size() > limit) return std::nullopt;
  return text;
}

std::string date_in_name(std::string_view path) {
  const auto name = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  for (std::size_t at = 0; at + 9 <= name.size(); ++at) {
    if (name[at] != '_') continue;
    const auto digits = name.substr(at + 1, 8);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) continue;
    return fmt::format("{}-{}-{}", digits.substr(0, 4), digits.substr(4, 2), digits.substr(6, 2));
  }
  return {};
}

TagFileRead read_tag_file(std::string_view bytes, const std::string& path, bool lenient) {
  TagFileRead read;
  std::optional<std::string> inflated;
  if (is_gzip(bytes)) {
    inflated = inflate(bytes, inflated_at_most);
    if (!inflated) {
      read.errors.push_back(fmt::format("{}: broken or oversized gzip data; get the file again", path));
      return read;
    }
    bytes = *inflated;
  }
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const auto start = start_of_json(bytes);
  const auto word = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (word != std::string_view::npos && bytes[word] == '<')) {
    const bool page = word != std::string_view::npos && bytes[word] == '<';
    read.errors.push_back(
        fmt::format("{}: {}; download the JSON file itself (ServiceTags_Public_YYYYMMDD.json) or run `az network "
                    "list-service-tags`",
                    path, page ? "an HTML page and not the file" : "no JSON in it"));
    return read;
  }
  json::monotonic_resource memory(4 * bytes.size() + 4096);
  boost::system::error_code problem;
  json::stream_parser parser(&memory);
  const auto text = bytes.substr(start);
  const auto used = parser.write_some(text.data(), text.size(), problem);
  if (!problem && !parser.done()) problem = json::error::incomplete;
  if (problem) {
    read.errors.push_back(fmt::format("{}: byte {}: {}", path, start + used, problem.message()));
    return read;
  }
  TagFile file{.path = path, .date = date_in_name(path)};
  Reader reader(path, lenient);
  reader.read(parser.release(), file);
  read.errors = std::move(reader.errors);
  if (read.errors.empty() || (lenient && !file.tags.empty())) read.file = std::move(file);
  return read;
}

}  // namespace vnetprobe::tags
