#pragma once

#include <boost/describe.hpp>
#include <string>
#include <vector>

namespace vnetprobe {

enum class Severity { critical, warning, info };
BOOST_DESCRIBE_ENUM(Severity, critical, warning, info)

enum class Confidence { proven, likely, possible };
BOOST_DESCRIBE_ENUM(Confidence, proven, likely, possible)

enum class Owner { network, dns, node, resource, service, user };
BOOST_DESCRIBE_ENUM(Owner, network, dns, node, resource, service, user)

// One observation and what it says in this matter.
struct Evidence {
  std::string check;  // id
  int observation{};  // index into that check's observations; -1: the check as a whole
  std::string says;
};
BOOST_DESCRIBE_STRUCT(Evidence, (), (check, observation, says))

struct Fix {
  std::string text;
  std::string command;  // empty: nothing to run
  bool is_template{};   // the command still has <placeholders> to fill in
};
BOOST_DESCRIBE_STRUCT(Fix, (), (text, command, is_template))

// One root cause, with every check that it explains (diagnosis-codes, rules 1 - 7).
struct Diagnosis {
  std::string code;
  Severity severity{};
  Confidence confidence{};
  std::string title;
  std::string explanation;
  Owner owner{};
  std::vector<std::string> checks;  // ids, in plan order
  std::vector<Evidence> evidence;
  std::vector<std::string> alternatives;  // what else would look like this
  std::string next_test;                  // what would separate them; empty when proven
  std::vector<Fix> fix;
  std::string reference;  // source of the rule
};
BOOST_DESCRIBE_STRUCT(Diagnosis, (),
                      (code, severity, confidence, title, explanation, owner, checks, evidence, alternatives, next_test,
                       fix, reference))

}  // namespace vnetprobe
