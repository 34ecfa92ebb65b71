#include "probes/host/packet_filter.hpp"

#include "probes/host/command.hpp"
#include "probes/host/files.hpp"
#include "probes/json.hpp"
#include "probes/text.hpp"
#include "probes/within.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace vnetprobe {
namespace {

namespace json = boost::json;

constexpr int jumps_at_most = 16;  // the kernel's own limit

// --- JSON, as libnftables-json(5) writes it -------------------------------------------------------------------------

std::string_view text(const json::value& value, std::string_view name) {
  const auto* found = member(value, name);
  return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

std::int64_t number(const json::value& value, std::string_view name) {
  const auto* found = member(value, name);
  return found && found->is_int64() ? found->get_int64() : 0;
}

struct Rule {
  const json::array* expressions{};
  std::string name;  // "inet filter input handle 7"
};
struct Chain {
  std::vector<Rule> rules;
  std::string name, policy;
  bool is_base{};
  std::int64_t priority{};
  std::string hook;
};
struct Ruleset {
  std::map<std::string, Chain> chains;             // "inet filter input"
  std::map<std::string, const json::value*> sets;  // "inet filter allowed"
};

std::string place_of(const json::value& thing, std::string_view key) {
  return fmt::format("{} {} {}", text(thing, "family"), text(thing, "table"), text(thing, key));
}

Ruleset read(const json::value& document) {
  Ruleset all;
  const auto* things = member(document, "nftables");
  if (!things || !things->is_array()) return all;
  for (const auto& thing : things->get_array()) {
    if (const auto* chain = member(thing, "chain")) {
      auto& into = all.chains[place_of(*chain, "name")];
      into.name = place_of(*chain, "name");
      into.policy = text(*chain, "policy");
      const auto family = text(*chain, "family");
      into.hook = text(*chain, "hook");
      into.is_base = !into.hook.empty() && text(*chain, "type") == "filter" && (family == "ip" || family == "inet");
      into.priority = number(*chain, "prio");
    } else if (const auto* rule = member(thing, "rule")) {
      const auto* expressions = member(*rule, "expr");
      if (expressions && expressions->is_array())
        all.chains[place_of(*rule, "chain")].rules.push_back(
            {.expressions = &expressions->get_array(),
             .name = fmt::format("{} handle {}", place_of(*rule, "chain"), number(*rule, "handle"))});
    } else if (const auto* set = member(thing, "set")) {
      if (const auto* elements = member(*set, "elem")) all.sets[place_of(*set, "name")] = elements;
    }
  }
  return all;
}

// --- One packet -----------------------------------------------------------------------------------------------------

enum class Holds { yes, no, unknown };

Holds negated(Holds holds) {
  return holds == Holds::yes ? Holds::no : holds == Holds::no ? Holds::yes : Holds::unknown;
}

// Whether one of the values on the right of a match is the packet's own, a number or a word.
struct Value {
  std::int64_t number{};
  std::string_view word;
};

Holds is_among(const Value& own, const json::value& right, const Ruleset& all, std::string_view table);

template <class List>
Holds any_of(const Value& own, const List& list, const Ruleset& all, std::string_view table) {
  Holds holds = Holds::no;
  for (const auto& one : list) {
    const auto here = is_among(own, one, all, table);
    if (here == Holds::yes) return here;
    if (here == Holds::unknown) holds = here;
  }
  return holds;
}

Holds is_among(const Value& own, const json::value& right, const Ruleset& all, std::string_view table) {
  if (const auto* value = right.if_int64()) return *value == own.number ? Holds::yes : Holds::no;
  if (const auto* word = right.if_string()) {
    if (!word->starts_with("@")) return std::string_view(*word) == own.word ? Holds::yes : Holds::no;
    const auto set = all.sets.find(fmt::format("{} {}", table, std::string_view(*word).substr(1)));
    return set == all.sets.end() ? Holds::no : is_among(own, *set->second, all, table);
  }
  if (const auto* list = right.if_array()) return any_of(own, *list, all, table);
  if (const auto* set = member(right, "set")) return is_among(own, *set, all, table);
  if (const auto* element = member(right, "elem"))
    if (const auto* value = member(*element, "val")) return is_among(own, *value, all, table);
  if (const auto* range = member(right, "range"); range && range->is_array() && range->get_array().size() == 2) {
    const auto &from = range->get_array()[0], &to = range->get_array()[1];
    if (from.is_int64() && to.is_int64())
      return own.number >= from.get_int64() && own.number <= to.get_int64() ? Holds::yes : Holds::no;
  }
  return Holds::unknown;
}

// What of the packet is on the left of a match, where that is certain.
std::optional<Value> own_value(const json::value& left, std::uint16_t port) {
  constexpr std::int64_t tcp = 6;
  if (const auto* payload = member(left, "payload")) {
    const auto protocol = text(*payload, "protocol"), field = text(*payload, "field");
    if ((protocol == "tcp" || protocol == "th") && field == "dport") return Value{.number = port, .word = {}};
    if (protocol == "ip" && field == "protocol") return Value{.number = tcp, .word = "tcp"};
  } else if (const auto* meta = member(left, "meta")) {
    if (text(*meta, "key") == "l4proto") return Value{.number = tcp, .word = "tcp"};
    if (text(*meta, "key") == "nfproto") return Value{.number = 2, .word = "ipv4"};
    if (text(*meta, "key") == "protocol") return Value{.number = 0x0800, .word = "ip"};
  } else if (const auto* connection = member(left, "ct")) {
    if (text(*connection, "key") == "state") return Value{.number = 8, .word = "new"};
  }
  return std::nullopt;
}

bool is_another_protocol(const json::value& left) {
  const auto* payload = member(left, "payload");
  const auto protocol = payload ? text(*payload, "protocol") : std::string_view();
  return !protocol.empty() && protocol != "tcp" && protocol != "th" && protocol != "ip" && protocol != "ether";
}

// Of interfaces only this much is certain: it is not the loopback.
Holds interface_matches(const json::value& right) {
  const auto* name = right.if_string();
  return name && std::string_view(*name) == "lo" ? Holds::no : Holds::unknown;
}

bool is_interface(const json::value& left) {
  const auto* meta = member(left, "meta");
  const auto key = meta ? text(*meta, "key") : std::string_view();
  return key == "iifname" || key == "iif" || key == "oifname" || key == "oif";
}

// Where a packet to a public address never goes: private, shared, link-local, loopback and multicast networks.
bool holds_no_public_address(std::string_view address, std::int64_t length) {
  struct Network {
    std::uint32_t address;
    std::int64_t length;
  };
  constexpr std::array<Network, 7> networks{{{0x0a000000, 8},
                                             {0xac100000, 12},
                                             {0xc0a80000, 16},
                                             {0x64400000, 10},
                                             {0xa9fe0000, 16},
                                             {0x7f000000, 8},
                                             {0xe0000000, 4}}};
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string(address).c_str(), &parsed) != 1) return false;
  const auto number = ntohl(parsed.s_addr);
  return std::ranges::any_of(networks, [&](const Network& one) {
    return length >= one.length && (number ^ one.address) >> (32 - one.length) == 0;
  });
}

// Whether a public address is among those on the right: one that is named alone is not it, any other network may hold
// it.
Holds public_address_is_among(const json::value& right, const Ruleset& all, std::string_view table) {
  const auto among = [&](const auto& list) {
    Holds holds = Holds::no;
    for (const auto& one : list)
      if (public_address_is_among(one, all, table) == Holds::unknown) holds = Holds::unknown;
    return holds;
  };
  if (const auto* word = right.if_string()) {
    if (!word->starts_with("@")) return Holds::no;
    const auto set = all.sets.find(fmt::format("{} {}", table, std::string_view(*word).substr(1)));
    return set == all.sets.end() ? Holds::no : public_address_is_among(*set->second, all, table);
  }
  if (const auto* list = right.if_array()) return among(*list);
  if (const auto* set = member(right, "set"); set && set->is_array()) return among(set->get_array());
  if (const auto* prefix = member(right, "prefix"))
    return holds_no_public_address(text(*prefix, "addr"), number(*prefix, "len")) ? Holds::no : Holds::unknown;
  return Holds::unknown;
}

bool is_destination(const json::value& left) {
  const auto* payload = member(left, "payload");
  return payload && text(*payload, "protocol") == "ip" && text(*payload, "field") == "daddr";
}

Holds matches(const json::value& match, const FirstPacket& packet, const Ruleset& all, std::string_view table) {
  const auto *left = member(match, "left"), *right = member(match, "right");
  if (!left || !right) return Holds::unknown;
  if (is_another_protocol(*left)) return Holds::no;
  Holds holds = Holds::unknown;
  if (is_interface(*left))
    holds = interface_matches(*right);
  else if (const auto own = own_value(*left, packet.port))
    holds = is_among(*own, *right, all, table);
  else if (packet.way == FirstPacket::Way::out && is_destination(*left))
    holds = public_address_is_among(*right, all, table);
  const auto operation = text(match, "op");
  if (operation == "!=") return negated(holds);
  return operation == "==" || operation == "in" || operation.empty() ? holds : Holds::unknown;
}

// --- The way through the chains --------------------------------------------------------------------------------------

// What can become of the packet, as a set. Of a chain, `comes_back` is its end or a `return`; of a rule, a jump that
// came back. `returns` is a rule's `return`, or a `goto` that would have come back.
enum Fate : unsigned { accepted = 1, dropped = 2, rejected = 4, comes_back = 8, returns = 16 };
constexpr unsigned ends = accepted | dropped | rejected;

class ChainWalk {
 public:
  ChainWalk(const Ruleset& all, FirstPacket packet) : all_(all), packet_(packet) {}

  unsigned through(const Chain& chain, int depth = 0) {
    if (depth > jumps_at_most) return accepted | dropped;
    unsigned fate = 0;
    const auto table = std::string_view(chain.name).substr(0, chain.name.rfind(' '));
    for (const auto& rule : chain.rules) {
      const auto [holds, verdict, by_jump] = judge(rule, table, depth);
      if (holds == Holds::no || verdict == 0) continue;
      if (!by_jump && (verdict == dropped || verdict == rejected))
        (holds == Holds::yes ? decided_by : doubtful) = rule.name;
      fate |= verdict & ends;
      if (verdict & returns) fate |= comes_back;
      if (holds == Holds::yes && !(verdict & comes_back)) return fate;
    }
    return fate | comes_back;
  }

  std::string decided_by;  // the last rule on the way that stops it for certain
  std::string doubtful;    // and the last one that may

 private:
  struct Judgement {
    Holds holds{};
    unsigned verdict{};  // 0: the rule has none
    bool by_jump{};      // another chain's
  };

  Judgement judge(const Rule& rule, std::string_view table, int depth) {
    Judgement judgement{.holds = Holds::yes};
    for (const auto& expression : *rule.expressions) {
      if (const auto* match = member(expression, "match")) {
        const auto here = matches(*match, packet_, all_, table);
        if (here == Holds::no) return {.holds = here};
        if (here == Holds::unknown) judgement.holds = here;
      } else if (const auto found = verdict_of(expression, table, depth)) {
        judgement.verdict = *found;
        judgement.by_jump = member(expression, "jump") || member(expression, "goto");
      } else if (!is_harmless(expression)) {
        judgement.holds = Holds::unknown;
        // An extension of iptables may be a match, or a target of its own.
        if (member(expression, "xt")) judgement.verdict |= accepted | dropped | comes_back;
      }
    }
    return judgement;
  }

  std::optional<unsigned> verdict_of(const json::value& expression, std::string_view table, int depth) {
    if (member(expression, "accept")) return accepted;
    if (member(expression, "drop")) return dropped;
    if (member(expression, "reject")) return rejected;
    if (member(expression, "return")) return returns;
    for (const std::string_view word : {"jump", "goto"}) {
      const auto* to = member(expression, word);
      if (!to) continue;
      const auto chain = all_.chains.find(fmt::format("{} {}", table, text(*to, "target")));
      const unsigned fate = chain == all_.chains.end() ? accepted | dropped : through(chain->second, depth + 1);
      return word == "goto" && (fate & comes_back) ? (fate & ends) | returns : fate;
    }
    return std::nullopt;
  }

  static bool is_harmless(const json::value& expression) {
    constexpr std::array harmless{"counter", "log", "mangle", "notrack", "ct helper"};
    return std::ranges::any_of(harmless, [&](const char* word) { return member(expression, word); });
  }

  const Ruleset& all_;
  FirstPacket packet_;
};

FilterVerdict unknown(std::string why) { return {.ruling = FilterRuling::unknown, .rule = std::move(why)}; }

// The base chains that the packet meets, in that order.
std::vector<const Chain*> chains_on_the_way(const Ruleset& all, FirstPacket::Way way) {
  const auto hooks =
      way == FirstPacket::Way::in ? std::array{"prerouting", "input"} : std::array{"output", "postrouting"};
  std::vector<const Chain*> chains;
  for (const auto& [name, chain] : all.chains)
    if (chain.is_base && (chain.hook == hooks[0] || chain.hook == hooks[1])) chains.push_back(&chain);
  std::ranges::stable_sort(chains, {},
                           [&](const Chain* one) { return std::pair(one->hook == hooks[1], one->priority); });
  return chains;
}

}  // namespace

FilterVerdict filter_verdict(std::string_view nft_json, FirstPacket packet) {
  constexpr unsigned depth_at_most = 64;
  json::error_code broken;
  const auto document = json::parse(nft_json, broken, {}, {.max_depth = depth_at_most});
  if (broken) return unknown("nft's answer is no JSON");
  const auto all = read(document);
  std::string open;
  for (const auto* chain : chains_on_the_way(all, packet.way)) {
    ChainWalk walk(all, packet);
    unsigned fate = walk.through(*chain);
    if (fate & comes_back) {
      const bool drops = chain->policy == "drop";
      fate = (fate & ends) | (drops ? dropped : accepted);
      if (drops) walk.decided_by = chain->name + " policy drop";
    }
    if (fate == dropped) return {.ruling = FilterRuling::drops, .rule = printable(walk.decided_by, 200)};
    if (fate == rejected) return {.ruling = FilterRuling::rejects, .rule = printable(walk.decided_by, 200)};
    if (fate != accepted && open.empty()) open = walk.doubtful.empty() ? chain->name : walk.doubtful;
  }
  if (!open.empty()) return unknown(printable(open, 200));
  return {.ruling = FilterRuling::accepts, .rule = {}};
}

std::optional<HostObservation> observe_packet_filter(FirstPacket packet) {
  constexpr std::chrono::milliseconds limit{300};
  if (::geteuid() != 0) return std::nullopt;
  const auto started = Clock::now();
  const auto rules = output_of({"nft", "-j", "list", "ruleset"}, limit);
  if (!rules) return std::nullopt;
  auto verdict = filter_verdict(*rules, packet);
  // Rules of the older interface are not among these.
  const auto older = read_file("/", "/proc/net/ip_tables_names");
  if (verdict.ruling == FilterRuling::accepts && older.text.find("filter") != std::string::npos)
    verdict = unknown("iptables-legacy has rules of its own");
  const bool in = packet.way == FirstPacket::Way::in;
  HostObservation seen{.topic = in ? HostTopic::input_filter : HostTopic::output_filter};
  (in ? seen.input_filter : seen.output_filter) = std::move(verdict);
  seen.duration = since(started);
  return seen;
}

}  // namespace vnetprobe
