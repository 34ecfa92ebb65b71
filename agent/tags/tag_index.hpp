#pragma once

#include "agent/tags/tag_file.hpp"

namespace vnetprobe::tags {

struct Containing {
  const ServiceTag* tag{};
  Cidr prefix;
};

// The larger prefix first where two begin together, and of equal ones the tag first that tells most about an address: a
// regional one before a global one, a service's before AzureCloud's.
PrefixOrder in_order(const TagFile& file);

// Every prefix that contains an address, longest first. Prefixes nest or are apart, so each knows the next larger one
// around it: a look-up is a binary search and a walk outwards.
class TagIndex {
 public:
  explicit TagIndex(const TagFile& file);  // which must outlive it

  // Most specific first; at equal length a regional tag before a global one, a service's tag before AzureCloud's.
  std::vector<Containing> look_up(const Address& address) const;
  std::size_t unique_prefixes() const { return v4_.nodes.size() + v6_.nodes.size(); }

 private:
  struct Node {
    std::uint32_t parent{};  // place of the next larger prefix around this one; `none`: there is none
    std::uint32_t first_owner{};
    std::uint32_t owners{};
    std::uint32_t found{};  // owners of this one and of all around it
    std::uint32_t length{};
  };
  // `Number` holds an address of the family. The first addresses stand apart, so that the search touches little memory.
  template <class Number>
  struct Family {
    std::vector<Number> starts;
    std::vector<Node> nodes;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  template <class Number>
  void build(const std::vector<OwnedPrefix<Number>>& prefixes, Family<Number>& family);
  template <class Number>
  std::vector<Containing> look_up_in(const Family<Number>& family, Number address) const;

  const TagFile& file_;
  Family<std::uint32_t> v4_;
  Family<Bits> v6_;
  std::vector<std::uint32_t> owners_;  // places in the file
};

}  // namespace vnetprobe::tags
