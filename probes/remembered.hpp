#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace vnetprobe {

// Values that are made once for each key; when there are too many of them, all are forgotten.
template <class Value>
class Remembered {
 public:
  explicit Remembered(std::size_t at_most) : at_most_(at_most) {}

  // Valid until the next call.
  template <class Make>
  const Value& of(const std::string& key, Make make) {
    if (const auto known = values_.find(key); known != values_.end()) return known->second;
    Value made = make();
    if (values_.size() >= at_most_) values_.clear();
    return values_.emplace(key, std::move(made)).first->second;
  }

 private:
  std::size_t at_most_;
  std::map<std::string, Value> values_;
};

}  // namespace vnetprobe
