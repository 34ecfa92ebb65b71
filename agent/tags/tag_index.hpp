#pragma once

#include "agent/tags/tag_file.hpp"

namespace vnetprobe::tags {

struct Containing {
  const ServiceTag* tag{};
  Cidr prefix;
};

// Every prefix that contains an address, longest first. Prefixes nest or are apart, so each knows the next larger one
// around it: a look-up is a binary search and a walk outwards.
class TagIndex {
 public:
  explicit TagIndex(const TagFile& file);  // which must outlive it

  // Most specific first; at equal length a regional tag before a global one, a service's tag before AzureCloud's.
  std::vector<Containing> look_up(const Address& address) const;
  std::size_t unique_prefixes() const { return v4_.prefixes.size() + v6_.prefixes.size(); }

 private:
  struct Node {
    std::uint32_t parent{};  // place of the next larger prefix around this one; `none`: there is none
    std::uint32_t first_owner{}, owners{};
  };
  struct Family {
    std::vector<Bits> starts;  // apart from the rest, so that the search touches little memory
    std::vector<Cidr> prefixes;
    std::vector<Node> nodes;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  void build(Family& family, bool v6);

  const TagFile& file_;
  Family v4_, v6_;
  std::vector<std::uint32_t> owners_;  // tags, by their place in the file
};

}  // namespace vnetprobe::tags
