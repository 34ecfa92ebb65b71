#include "agent/catalogue/templates.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vnetprobe::catalogue_test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string entry(const std::string& more) {
  return "entries:\n  - {id: target.a, title: A, stack: tcp, host: a.example.net, port: 443" + more + "}\n";
}

struct Bad {
  const char* name;
  std::string yaml;
  const char* says;
};

TEST(ParseCatalogue, SaysWhereAndWhatToWriteInstead) {
  const std::string second = "  - {id: target.a, title: B, stack: tcp, host: b.example.net, port: 80";
  for (const auto& bad : std::vector<Bad>{
           {"unknown key", entry(", hosst: x"), "c.yaml:2:74: unknown key 'hosst' in an entry; did you mean 'host'?"},
           {"unknown key at the top", "entrys: []", "c.yaml:1:1: unknown key 'entrys'; did you mean 'entries'?"},
           {"wrong type", entry(", required: perhaps"), "required: expected true or false"},
           {"unknown stack", "entries:\n  - {id: a, title: A, stack: htps, host: a.net, port: 1}",
            "did you mean 'https'?"},
           {"unknown profile", entry(", profiles: [compute-instanc]"), "did you mean 'compute-instance'?"},
           {"unknown service", entry(", service: storage_blop"), "did you mean 'storage_blob'?"},
           {"port out of range", "entries:\n  - {id: a, title: A, stack: tcp, host: a.net, port: 70000}", "1 to 65535"},
           {"no port", "entries:\n  - {id: a, title: A, stack: tcp, host: a.net}", "a: the port is missing"},
           {"no host", "entries:\n  - {id: a, title: A, stack: https, port: 443}", "a: the host is missing"},
           {"no stack", "entries:\n  - {id: a, title: A}", "a: the stack is missing"},
           {"no id", "entries:\n  - {title: A, stack: node}", "an entry without an id"},
           {"unknown placeholder", entry(", path: \"/{regionn}\""),
            "unknown placeholder '{regionn}'; did you mean {region}?"},
           {"blank in a path", entry(", path: /a b"), "must not have blanks"},
           {"no host name", "entries:\n  - {id: a, title: A, stack: dns, host: \"a/{region}\"}", "is no host name"},
           {"header", entry(", headers: {\"a: b\": c}"), "is not the name of a header"},
           {"account only in the host", "entries:\n  - {id: s, title: A, stack: dns, host: \"{account}.net\"}",
            "write id: s/{account}"},
           {"account only in the path",
            "entries:\n  - {id: s, title: A, stack: https, port: 443, host: a.net, path: \"/{account}\"}",
            "c.yaml:2:5: s: the path has {account} and the id has not; write id: s/{account}"},
           {"a list for a title", "entries:\n  - {id: a, title: [x], stack: node}",
            "title: expected a text, found a list; write title: some text"},
           {"a word for profiles", entry(", profiles: compute-instance"),
            "profiles: expected a list, found 'compute-instance'; write profiles: [compute-instance]"},
           {"a word for entries", "entries: x", "entries: expected a list, found 'x'; write entries: [{id: "},
           {"same id twice", entry("") + second + "}", "a second entry with this id holds under the same conditions"},
           {"same id, conditions that meet", entry(", eras: [\"2020-07\"]") + second + ", profiles: [hdinsight]}",
            "a second entry"},
           {"cycle", "clouds: {public: {a: \"{b}\", b: \"{a}\"}}\n" + entry(""),
            "c.yaml:1:22: clouds.public.a: a cycle: a -> b -> a"},
           {"cycle of one", "clouds: {public: {a: \"x{a}\"}}\n" + entry(""), "a cycle: a -> a"},
           {"cycle behind a value", "clouds: {public: {a: \"{b}\", b: \"{c}\", c: \"{b}\"}}\n" + entry(""),
            "a cycle: b -> c -> b"},
           {"unknown placeholder in a value", "clouds: {public: {a: \"{nothing_like_it}\"}}\n" + entry(""),
            "unknown placeholder"},
           {"a cloud sets the node's value", "clouds: {public: {region: x}}\n" + entry(""), "a cloud cannot set it"},
           {"value twice", "clouds: {public: {a: x, a: y}}\n" + entry(""), "a second time"},
           {"unknown cloud", "clouds: {germany: {a: x}}\n" + entry(""), "unknown key 'germany' in clouds"},
           {"nothing", "", "the file: expected keys and values, found nothing; write entries: [{id: "},
           {"no entries", "entries: []", "no entries"},
           {"tabs", "entries:\n\t- {id: a}", "c.yaml:2:"},
           {"a text", "just words", "expected keys and values"},
       }) {
    const auto result = parse_catalogue(bad.yaml, "c.yaml");
    EXPECT_FALSE(result.catalogue) << bad.name;
    EXPECT_THAT(result.errors, Contains(HasSubstr(bad.says))) << bad.name;
  }
}

TEST(ParseCatalogue, SaysOnceWhatIsWrongWithAValue) {
  for (const auto& yaml : std::vector<std::string>{
           "entries:\n  - {id: a, title: [x], stack: node}", "entries:\n  - {id: [a], title: A, stack: node}",
           "entries:\n  - {id: a, title: A, stack: https, host: [x], port: 443}",
           "entries:\n  - {id: a, title: A, stack: https, host: a.net, port: 70000}",
           "entries:\n  - {id: a, title: A, stack: htps, host: a.net, port: 1}", "entries:\n  - just words"})
    EXPECT_THAT(parse_catalogue(yaml, "c.yaml").errors, SizeIs(1)) << yaml;
}

TEST(ParseCatalogue, TakesOneIdTwiceWhereTheConditionsNeverMeet) {
  const auto result = parse_catalogue(
      entry(", eras: [\"2020-07\"]") + "  - {id: target.a, title: B, stack: dns, host: b.net, eras: [\"2026-03\"]}",
      "c");
  EXPECT_THAT(result.errors, IsEmpty());
  ASSERT_TRUE(result.catalogue);
  EXPECT_THAT(result.catalogue->entries, SizeIs(2));
}

TEST(ParseCatalogue, KnowsTheCloudsValuesWhereverTheyStand) {
  const auto result = parse_catalogue(
      "entries: [{id: a, title: A, stack: dns, host: \"x.{suffix}\"}]\nclouds: {public: {suffix: \"{zone}.net\", zone: "
      "z}}",
      "c");
  EXPECT_THAT(result.errors, IsEmpty());
}

// Sixty values, each made twice of the next: followed one by one, that would be 2^60 ways.
std::string doubling_values(int count) {
  std::string yaml = "clouds:\n  public:\n";
  for (int i = 0; i < count; ++i) yaml += fmt::format("    v{}: \"{{v{}}}{{v{}}}\"\n", i, i + 1, i + 1);
  return yaml + fmt::format("    v{}: x\n", count) + entry("");
}

TEST(ParseCatalogue, RefusesValuesThatNestTooDeepWithoutFollowingEveryWay) {
  const auto result = parse_catalogue(doubling_values(60), "c");
  EXPECT_FALSE(result.catalogue);
  EXPECT_THAT(result.errors, Contains(HasSubstr("nested more than 8 deep")));
}

TEST(ParseCatalogue, TellsALongCycleShort) {
  std::string yaml = "clouds:\n  public:\n";
  constexpr int count = 5000;
  for (int i = 0; i < count; ++i) yaml += fmt::format("    v{}: \"{{v{}}}\"\n", i, (i + 1) % count);
  const auto result = parse_catalogue(yaml + entry(""), "c");
  EXPECT_THAT(result.errors, Contains(HasSubstr("a cycle of 5000 values")));
}

TEST(ParseCatalogue, EndsWhateverTheBytesAre) {
  for (const auto& yaml : std::vector<std::string>{
           "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\nentries: [*d,*d,*d]", std::string(5000, '['),
           "entries: " + std::string(3000, '{'), std::string(10U << 20, 'x'), std::string("\0\xff\xfe", 3),
           "entries: *nowhere", "%YAML 9.9\n---\n--- \n..."}) {
    const auto result = parse_catalogue(yaml, "c");
    EXPECT_FALSE(result.catalogue);
    EXPECT_FALSE(result.errors.empty());
    for (const auto& error : result.errors) EXPECT_LT(error.size(), 1000U);
  }
}

TEST(BuiltInCatalogue, IsWithoutFault) {
  EXPECT_THAT(parse_catalogue(built_in_catalogue_yaml(), "catalogue.yaml").errors, IsEmpty());
  for (const auto& requirement : built_in_catalogue().entries) {
    EXPECT_NE(requirement.why, "") << requirement.id;
    EXPECT_NE(requirement.source, "") << requirement.id;
    EXPECT_NE(requirement.healthy, "") << requirement.id;
  }
}

TEST(BuiltInCatalogue, NamesTheSameValuesForEveryCloud) {
  const auto& clouds = built_in_catalogue().suffixes;
  ASSERT_THAT(clouds, SizeIs(3));
  const auto names = [](const CloudValues& values) {
    std::vector<std::string> keys;
    for (const auto& [name, value] : values) keys.push_back(name);
    return keys;
  };
  EXPECT_EQ(names(clouds.at("public")), names(clouds.at("usgov")));
  EXPECT_EQ(names(clouds.at("public")), names(clouds.at("china")));
}

TEST(CatalogueToYaml, IsReadBackAsTheSame) {
  const auto yaml = catalogue_to_yaml(built_in_catalogue());
  const auto again = parse_catalogue(yaml, "printed");
  EXPECT_THAT(again.errors, IsEmpty());
  ASSERT_TRUE(again.catalogue);
  EXPECT_EQ(again.catalogue->entries.size(), built_in_catalogue().entries.size());
  EXPECT_EQ(again.catalogue->suffixes, built_in_catalogue().suffixes);
  EXPECT_EQ(catalogue_to_yaml(*again.catalogue), yaml);
}

}  // namespace
}  // namespace vnetprobe::catalogue_test
