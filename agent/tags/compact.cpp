#include "agent/tags/compact.hpp"

#include "agent/tags/tag_index.hpp"

#include <zlib.h>

#include <cstring>

namespace vnetprobe::tags {
namespace {

constexpr std::string_view magic = "vptags01";

class Writer {
 public:
  template <class Number>
  void number(Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out += value;
  }
  template <class Number>
  void prefixes(const std::vector<OwnedPrefix<Number>>& all) {
    number(static_cast<std::uint32_t>(all.size()));
    for (const auto& one : all) {
      number(one.base);
      // A length has 8 bits, so that the tag has 24.
      number(one.length << 24U | one.tag);
    }
  }

  std::string out;
};

// Bytes from a disk: every read says whether it could.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    if (left_.size() < sizeof value) {
      good = false;
      return value;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = number<std::uint32_t>();
    if (size > left_.size()) good = false;
    const auto value = left_.substr(0, good ? size : 0);
    left_.remove_prefix(value.size());
    return std::string(value);
  }
  // How many items of at least `each` bytes follow; never more than there is room for.
  std::size_t count(std::size_t each) {
    const auto said = number<std::uint32_t>();
    if (said > left_.size() / each) good = false;
    return good ? said : 0;
  }
  bool done() const { return good && left_.empty(); }

  bool good = true;

 private:
  std::string_view left_;
};

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

template <class Number>
void read_prefixes(Reader& in, std::vector<OwnedPrefix<Number>>& into, TagFile& file) {
  constexpr std::uint32_t width = sizeof(Number) * 8;
  into.reserve(in.count(sizeof(Number) + 4));
  for (std::size_t left = into.capacity(); left > 0 && in.good; --left) {
    const auto base = in.number<Number>();
    const auto packed = in.number<std::uint32_t>();
    const OwnedPrefix<Number> one{.base = base, .length = packed >> 24U, .tag = packed & 0xFFFFFFU};
    if (one.tag >= file.tags.size() || one.length > width) {
      in.good = false;
      return;
    }
    into.push_back(one);
    file.tags[one.tag].prefixes.push_back(
        {.base = one.base, .length = static_cast<int>(one.length), .v6 = width == 128});
  }
}

}  // namespace

std::string to_compact(const TagFile& file, const Stamp& made_from) {
  Writer body;
  body.number(made_from.size);
  body.number(made_from.modified);
  body.text(file.cloud);
  body.number(std::int64_t{file.change_number});
  body.text(file.date);
  body.number(static_cast<std::uint32_t>(file.tags.size()));
  for (const auto& tag : file.tags) {
    body.text(tag.name);
    body.text(tag.region);
    body.number(std::int64_t{tag.change_number});
    body.number(static_cast<std::uint32_t>(tag.prefixes.size()));
  }
  const auto order = in_order(file);
  body.prefixes(order.v4);
  body.prefixes(order.v6);
  Writer whole;
  whole.out = magic;
  whole.number(checksum(body.out));
  return whole.out + body.out;
}

std::optional<TagFile> from_compact(std::string_view bytes, const Stamp& made_from) {
  if (!bytes.starts_with(magic)) return std::nullopt;
  Reader head(bytes.substr(magic.size()));
  const auto sum = head.number<std::uint32_t>();
  constexpr auto head_size = magic.size() + sizeof sum;
  if (!head.good || checksum(bytes.substr(head_size)) != sum) return std::nullopt;
  Reader in(bytes.substr(head_size));
  const auto size = in.number<std::uint64_t>();
  const Stamp stamp{.size = size, .modified = in.number<std::int64_t>()};
  if (stamp != made_from) return std::nullopt;
  TagFile file;
  file.cloud = in.text();
  file.change_number = in.number<std::int64_t>();
  file.date = in.text();
  file.tags.resize(in.count(20));
  for (auto& tag : file.tags) {
    tag.name = in.text();
    tag.region = in.text();
    tag.change_number = in.number<std::int64_t>();
    const auto prefixes = in.number<std::uint32_t>();
    if (prefixes > bytes.size()) in.good = false;
    if (!in.good) return std::nullopt;
    tag.prefixes.reserve(prefixes);
  }
  PrefixOrder order;
  read_prefixes(in, order.v4, file);
  read_prefixes(in, order.v6, file);
  if (!in.done()) return std::nullopt;
  file.order = std::move(order);
  return file;
}

}  // namespace vnetprobe::tags
