#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace vnetprobe {

// An optional whose absence costs a pointer. A report of ten thousand checks holds six observations of each, and most
// of what an observation could hold is not there.
template <class T>
class Rare {
 public:
  using value_type = T;

  Rare() = default;
  Rare(std::nullopt_t) {}
  template <class U>
  requires(std::is_constructible_v<T, U> && !std::is_same_v<std::remove_cvref_t<U>, Rare> &&
           !std::is_same_v<std::remove_cvref_t<U>, std::optional<T>> &&
           !std::is_same_v<std::remove_cvref_t<U>, std::nullopt_t>) Rare(U&& value)
      : value_(std::make_unique<T>(std::forward<U>(value))) {}
  Rare(std::optional<T> value) : value_(value ? std::make_unique<T>(std::move(*value)) : nullptr) {}
  Rare(const Rare& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Rare(Rare&&) noexcept = default;
  Rare& operator=(Rare other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Rare() = default;

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T value_or(T other) const { return value_ ? *value_ : std::move(other); }
  operator std::optional<T>() const { return value_ ? std::optional<T>(*value_) : std::nullopt; }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  void reset() { value_.reset(); }

  friend bool operator==(const Rare& a, const Rare& b) {
    return a.value_ && b.value_ ? *a == *b : !a.value_ && !b.value_;
  }
  template <class U>
  requires(!std::is_same_v<U, Rare>) friend bool operator==(const Rare& a, const U& b) { return a.value_ && *a == b; }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace vnetprobe
