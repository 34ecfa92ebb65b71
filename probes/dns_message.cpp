#include "probes/dns_message.hpp"

#include "probes/text.hpp"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace vnetprobe {
namespace {

constexpr std::size_t records_kept = 64;

struct Header {
  bool response{}, authoritative{}, truncated{}, recursion_available{};
  unsigned rcode{}, questions{}, answers{};
};

struct Question {
  std::string name;
  unsigned type{}, in_class{};
};

// Walks a message from front to back. Every read says whether the bytes were there; after a false one nothing more is
// read.
class Reader {
 public:
  explicit Reader(DnsMessage message) : message_(message) {}

  bool u16(unsigned& value) {
    if (left() < 2) return false;
    value = (byte(at_) << 8U) | byte(at_ + 1);
    at_ += 2;
    return true;
  }

  bool u32(std::uint32_t& value) {
    unsigned high{}, low{};
    if (!u16(high) || !u16(low)) return false;
    value = (static_cast<std::uint32_t>(high) << 16U) | low;
    return true;
  }

  bool bytes(std::size_t count, DnsMessage& value) {
    if (left() < count) return false;
    value = message_.subspan(at_, count);
    at_ += count;
    return true;
  }

  // A name in presentation form, lower and upper case as received, "." for the root.
  bool name(std::string& value) {
    std::size_t end{};
    if (!name_at(at_, value, end)) return false;
    at_ = end;
    return true;
  }

  // The name that fills the record data which was just taken with bytes().
  bool name_in(DnsMessage data, std::string& value) const {
    const auto start = static_cast<std::size_t>(data.data() - message_.data());
    std::size_t end{};
    return name_at(start, value, end) && end == start + data.size();
  }

 private:
  std::size_t left() const { return message_.size() - at_; }
  unsigned byte(std::size_t at) const { return message_[at]; }

  static void append_label(DnsMessage label, std::string& text) {
    for (const unsigned char c : label) {
      if (c == '.' || c == '\\')
        text += {'\\', static_cast<char>(c)};
      else if (c > 0x20 && c < 0x7F)
        text += static_cast<char>(c);
      else
        text += fmt::format("\\{:03}", c);
    }
  }

  // A compression pointer must lead further back than any part of the name read so far, so that no chain of them can
  // loop.
  bool name_at(std::size_t at, std::string& text, std::size_t& end) const {
    text.clear();
    std::size_t lowest = at, octets = 0;
    bool jumped = false;
    while (at < message_.size()) {
      const unsigned length = byte(at);
      if (length == 0) {
        if (!jumped) end = at + 1;
        if (text.empty()) text = ".";
        return true;
      }
      if ((length & 0xC0U) == 0xC0U) {
        if (at + 1 >= message_.size()) return false;
        const std::size_t target = ((length & 0x3FU) << 8U) | byte(at + 1);
        if (target >= lowest) return false;
        if (!jumped) end = at + 2;
        jumped = true;
        at = lowest = target;
        continue;
      }
      octets += length + 1;
      if (length > 63 || octets > 254 || at + 1 + length > message_.size()) return false;
      if (!text.empty()) text += '.';
      append_label(message_.subspan(at + 1, length), text);
      at += 1 + length;
    }
    return false;
  }

  DnsMessage message_;
  std::size_t at_{};
};

std::string rcode_name(unsigned rcode) {
  switch (rcode) {
    case 0:
      return "NOERROR";
    case 2:
      return "SERVFAIL";
    case 3:
      return "NXDOMAIN";
    case 5:
      return "REFUSED";
    default:
      return fmt::format("RCODE{}", rcode);
  }
}

std::optional<DnsFailure> failure_of(unsigned rcode) {
  switch (rcode) {
    case 0:
      return {};
    case 2:
      return DnsFailure::servfail;
    case 3:
      return DnsFailure::nxdomain;
    case 5:
      return DnsFailure::refused;
    default:
      return DnsFailure::other_rcode;
  }
}

void malformed(DnsObservation& into, const std::string& detail, DnsFailure failure = DnsFailure::malformed) {
  into.error = failure;
  into.detail = printable(detail);
}

bool read_header(Reader& reader, Header& header) {
  unsigned id{}, flags{}, ignored{};
  if (!reader.u16(id) || !reader.u16(flags) || !reader.u16(header.questions) || !reader.u16(header.answers) ||
      !reader.u16(ignored) || !reader.u16(ignored))
    return false;
  header.response = (flags & 0x8000U) != 0;
  header.authoritative = (flags & 0x0400U) != 0;
  header.truncated = (flags & 0x0200U) != 0;
  header.recursion_available = (flags & 0x0080U) != 0;
  header.rcode = flags & 0x000FU;
  return true;
}

bool read_question(Reader& reader, Question& question) {
  return reader.name(question.name) && reader.u16(question.type) && reader.u16(question.in_class);
}

bool is_asked(const Question& seen, const std::string& name, const std::string& question) {
  return seen.in_class == ns_c_in && seen.type == (question == "AAAA" ? ns_t_aaaa : ns_t_a) &&
         lower_case(seen.name) == lower_case(name);
}

std::string address_text(int family, DnsMessage data) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, data.data(), text.data(), text.size());
  return text.data();
}

// False: the record is cut off or its data does not fit its type.
bool read_record(Reader& reader, DnsRecord& record) {
  unsigned type{}, in_class{}, length{};
  std::uint32_t ttl{};
  DnsMessage data;
  if (!reader.name(record.name) || !reader.u16(type) || !reader.u16(in_class) || !reader.u32(ttl) ||
      !reader.u16(length) || !reader.bytes(length, data))
    return false;
  record.ttl = (ttl & 0x80000000U) != 0 ? 0 : ttl;  // RFC 2181 8
  record.type = fmt::format("TYPE{}", type);
  if (in_class != ns_c_in) return true;
  if (type == ns_t_a) {
    record.type = "A";
    if (data.size() != 4) return false;
    record.data = address_text(AF_INET, data);
  } else if (type == ns_t_aaaa) {
    record.type = "AAAA";
    if (data.size() != 16) return false;
    record.data = address_text(AF_INET6, data);
  } else if (type == ns_t_cname) {
    record.type = "CNAME";
    return reader.name_in(data, record.data);
  }
  return true;
}

// All records are walked, so that a cut in the dropped ones is seen too. False: the section does not fit the message.
bool read_answers(Reader& reader, unsigned count, DnsObservation& into) {
  for (unsigned n = 0; n < count; ++n) {
    DnsRecord record;
    if (!read_record(reader, record)) return false;
    if (into.answers.size() < records_kept)
      into.answers.push_back(std::move(record));
    else
      ++into.answers_left_out;
  }
  return true;
}

// Follows the CNAMEs from the asked name, wherever in the section they stand, and takes the addresses of where they
// lead.
void follow_chain(DnsObservation& into) {
  std::map<std::string, std::string> aliases;
  for (const auto& record : into.answers)
    if (record.type == "CNAME") aliases.emplace(lower_case(record.name), lower_case(record.data));
  std::string owner = lower_case(into.name);
  std::string path = owner;
  std::set<std::string> passed{owner};
  for (auto alias = aliases.find(owner); alias != aliases.end(); alias = aliases.find(owner)) {
    owner = alias->second;
    path += " -> " + owner;
    if (!passed.insert(owner).second) return malformed(into, "CNAME loop: " + path, DnsFailure::alias_loop);
  }
  for (const auto& record : into.answers) {
    if (record.type != into.question || lower_case(record.name) != owner) continue;
    if (std::find(into.addresses.begin(), into.addresses.end(), record.data) == into.addresses.end())
      into.addresses.push_back(record.data);
  }
}

}  // namespace

bool answers_question(DnsMessage message, const std::string& name, const std::string& question) {
  Reader reader(message);
  Header header;
  Question seen;
  return read_header(reader, header) && header.response && header.questions == 1 && read_question(reader, seen) &&
         is_asked(seen, name, question);
}

void read_answer(DnsMessage message, DnsObservation& into) {
  Reader reader(message);
  Header header;
  if (!read_header(reader, header))
    return malformed(into, fmt::format("{} bytes are less than a DNS header", message.size()));
  if (!header.response) return malformed(into, "the message is a query, not an answer");
  into.rcode = rcode_name(header.rcode);
  into.truncated = header.truncated;
  into.authoritative = header.authoritative;
  into.recursion_available = header.recursion_available;

  // Some servers that refuse or fail early do not repeat the question; the rcode is their whole answer.
  const bool bare_error = header.questions == 0 && header.rcode != 0;
  if (header.questions != 1 && !bare_error)
    return malformed(into, fmt::format("the answer has {} questions instead of one", header.questions));
  if (header.questions == 1) {
    Question question;
    if (!read_question(reader, question)) return malformed(into, "the question section cannot be decoded");
    if (!is_asked(question, into.name, into.question))
      return malformed(into,
                       fmt::format("the answer is to another question: {} type {}", question.name, question.type));
  }
  // TC announces that the section may end early (RFC 2181 9): what came before the cut still counts.
  if (!read_answers(reader, header.answers, into) && !header.truncated)
    return malformed(
        into, fmt::format("record {} of {} in the answer section cannot be decoded",
                          into.answers.size() + static_cast<std::size_t>(into.answers_left_out) + 1, header.answers));
  into.error = failure_of(header.rcode);
  follow_chain(into);
}

}  // namespace vnetprobe
