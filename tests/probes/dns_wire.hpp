#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace vnetprobe::test {

using Bytes = std::vector<unsigned char>;

inline void put16(Bytes& into, unsigned value) {
  into.push_back(static_cast<unsigned char>(value >> 8U));
  into.push_back(static_cast<unsigned char>(value));
}

inline void put_name(Bytes& into, std::string_view name) {
  while (!name.empty()) {
    const auto end = std::min(name.find('.'), name.size());
    into.push_back(static_cast<unsigned char>(end));
    into.insert(into.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  into.push_back(0);
}

constexpr unsigned answer_flags = 0x8180;  // QR, RD, RA

// A DNS message under construction; ANCOUNT follows what is added unless it is set.
struct Message {
  unsigned id{1}, flags{answer_flags};
  std::string question{"a.test"};
  unsigned question_type{1}, questions{1};
  int records{-1};
  Bytes section{};
  unsigned added{};

  Message& raw(std::string_view owner, unsigned type, const Bytes& data, unsigned ttl = 60) {
    put_name(section, owner);
    put16(section, type);
    put16(section, 1);
    put16(section, ttl >> 16U);
    put16(section, ttl);
    put16(section, static_cast<unsigned>(data.size()));
    section.insert(section.end(), data.begin(), data.end());
    ++added;
    return *this;
  }
  Message& a(std::string_view owner, std::initializer_list<unsigned char> address) { return raw(owner, 1, address); }
  Message& cname(std::string_view owner, std::string_view target) {
    Bytes data;
    put_name(data, target);
    return raw(owner, 5, data, 300);
  }
  Bytes bytes() const {
    Bytes result;
    for (const unsigned value : {id, flags, questions, records < 0 ? added : static_cast<unsigned>(records), 0U, 0U})
      put16(result, value);
    for (unsigned n = 0; n < questions; ++n) {
      put_name(result, question);
      put16(result, question_type);
      put16(result, 1);
    }
    result.insert(result.end(), section.begin(), section.end());
    return result;
  }
};

}  // namespace vnetprobe::test
