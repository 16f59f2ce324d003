#include "skink/host/config/config_reader.hpp"

#include <catch2/catch.hpp>

#include "skink/host/experiment/experiment.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;

namespace {

ConfigFile file_of(const std::string& text, const std::vector<Override>& overrides = {}) {
  return ConfigFile::parse(text, "a.toml", overrides).value();
}

template <class Read>
std::string problem_of(const std::string& text, Read read) {
  ConfigFile file = file_of(text);
  read(file.root());
  const Result<void> finished = file.finish();
  return finished ? "" : finished.error().message;
}

}  // namespace

TEST_CASE("config: values of every type are read, and defaults where keys are absent", "[common][host][config]") {
  ConfigFile file = file_of(
      "port = 1883\nrate = 2\nexact = 0.1\ntls = true\nhost = \"a b\"\nword = \"x-1\"\nlist = [1, 2]\nlone = 3\n"
      "range = [1, 2.5]\n");
  const ConfigReader root = file.root();
  CHECK(root.integer("port", {1, 65535}) == 1883);
  CHECK(root.count("absent", {1, 9}, 7U) == 7);
  CHECK(root.real("rate", {0, 10}) == 2.0);
  CHECK(root.real("exact", {0, 10}) == 0.1);
  CHECK(root.real32("exact", {0, 10}) == 0.1F);
  CHECK(root.real32("none", {0, 10}, 0.3F) == 0.3F);
  CHECK(root.boolean("tls"));
  CHECK(root.boolean("verify", true));
  CHECK(root.text("host", 3) == "a b");
  CHECK(root.word("word", "-") == "x-1");
  CHECK(root.integers("list", {1, 2}, {0, 9}) == std::vector<std::int64_t>{1, 2});
  CHECK(root.integers("lone", {1, 2}, {0, 9}) == std::vector<std::int64_t>{3});
  CHECK(root.interval("range", {0, 10}) == std::array<float, 2>{1.0F, 2.5F});
  CHECK(root.choice<int>("mode", {{"one", 1}, {"two", 2}}, 2) == 2);
  CHECK(file.sound());
  CHECK(file.finish().has_value());
}

TEST_CASE("config: a problem says file, line, key and what is allowed", "[common][host][config]") {
  const auto one = [](auto get) {
    return [get](const ConfigReader& root) { get(root.table("s", Presence::kRequired)); };
  };
  CHECK(problem_of("[s]\na = 0", one([](const ConfigReader& s) {
                     s.integer("a", {1, 1024});
                   })) == "a.toml:2: [s] a: 0 is not allowed, use 1..1024");
  CHECK(problem_of("[s]\na = 0.5", one([](const ConfigReader& s) {
                     s.integer("a", {1, 2});
                   })) == "a.toml:2: [s] a: wanted a whole number 1..2, found 0.5");
  CHECK(problem_of("[s]\n", one([](const ConfigReader& s) {
                     s.integer("a", {1, 2});
                   })) == "a.toml:1: [s] a: missing, wanted a whole number 1..2");
  CHECK(problem_of("[s]\na = 0", one([](const ConfigReader& s) {
                     s.real("a", {0, 1, true});
                   })) == "a.toml:2: [s] a: 0 is not allowed, use a number above 0, at most 1");
  CHECK(problem_of("[s]\na = inf", one([](const ConfigReader& s) {
                     s.real("a", {0, 1});
                   })) == "a.toml:2: [s] a: inf is not allowed, use 0..1");
  CHECK(problem_of("[s]\na = nan", one([](const ConfigReader& s) {
                     s.real("a", {0, 1});
                   })) == "a.toml:2: [s] a: nan is not allowed, use 0..1");
  CHECK(problem_of("[s]\na = 1e-60", one([](const ConfigReader& s) {
                     s.real32("a", {0, 1, true});
                   })) == "a.toml:2: [s] a: 1e-60 is too small for a 32-bit float");
  CHECK(problem_of("[s]\na = 1", one([](const ConfigReader& s) { s.boolean("a"); })) ==
        "a.toml:2: [s] a: wanted true or false, found 1");
  CHECK(problem_of("[s]\na = 1979-05-27", one([](const ConfigReader& s) { s.text("a", 9); })) ==
        "a.toml:2: [s] a: wanted a text of 1..9 bytes, found a date or time");
  CHECK(problem_of("[s]\na = \"0123456789\"", one([](const ConfigReader& s) { s.text("a", 9); })) ==
        "a.toml:2: [s] a: wanted a text of 1..9 bytes, found one of 10");
  CHECK(problem_of("[s]\na = \"../x\"", one([](const ConfigReader& s) { s.word("a", "-"); })) ==
        "a.toml:2: [s] a: \"../x\" is not allowed, use a text of 1..64 characters a-z, 0-9, -");
  CHECK(problem_of("[s]\na = [2, 1]", one([](const ConfigReader& s) {
                     s.interval("a", {0, 9});
                   })) == "a.toml:2: [s] a: low is above high, use [1, 2]");
  CHECK(problem_of("[s]\na = [2, \"x\"]", one([](const ConfigReader& s) {
                     s.interval("a", {0, 9});
                   })) == "a.toml:2: [s] a: wanted [low, high], two numbers 0..9, found a list of 2");
  CHECK(problem_of("[s]\na = [1, 2, 3]", one([](const ConfigReader& s) {
                     s.integers("a", {1, 2}, {0, 9});
                   })) == "a.toml:2: [s] a: wanted a list of 1..2 whole numbers 0..9, found a list of 3");
  CHECK(problem_of("[s]\na = [1, 10]", one([](const ConfigReader& s) {
                     s.integers("a", {1, 2}, {0, 9});
                   })) == "a.toml:2: [s] a: 10 is not allowed, use 0..9");
  CHECK(problem_of("[s]\na = \"three\"", one([](const ConfigReader& s) {
                     s.choice<int>("a", {{"one", 1}, {"two", 2}, {"ten", 10}});
                   })) == "a.toml:2: [s] a: \"three\" is not allowed, use \"one\", \"two\" or \"ten\"");
  CHECK(problem_of("s = 1", one([](const ConfigReader& s) {
                     s.integer("a", {1, 2});
                   })) == "a.toml:1: [s]: wanted a table, found 1");
  CHECK(problem_of("", one([](const ConfigReader& s) {
                     s.integer("a", {1, 2});
                   })) == "a.toml:1: [s]: missing, wanted a table");
}

TEST_CASE("config: keys nobody asked for are problems that list the allowed ones", "[common][host][config]") {
  const auto read = [](const ConfigReader& root) {
    const ConfigReader mqtt = root.table("mqtt", Presence::kOptional);
    mqtt.integer("port", {1, 65535}, 1883);
    mqtt.table("tls", Presence::kOptional).text("ca", 99, "");
    for (const ConfigReader& user : root.tables("users", {1, 2})) user.text("name", 99);
  };
  const std::string users = "users = [{name = \"a\"}]\n";
  CHECK(problem_of(users, read).empty());
  CHECK(problem_of(users + "[mqtt]\nprot = 1", read) ==
        "a.toml:3: [mqtt] prot: unknown key, did you mean port? Allowed: port, tls");
  CHECK(problem_of(users + "[mqtt.tls]\nkey = 1", read) == "a.toml:3: [mqtt.tls] key: unknown key. Allowed: ca");
  CHECK(problem_of(users + "[mqt]\nport = 1", read) ==
        "a.toml:2: [mqt]: unknown table, did you mean mqtt? Allowed: mqtt, users");
  CHECK(problem_of("users = [{name = \"a\"},\n {nmae = \"b\", name = \"b\"}]", read) ==
        "a.toml:2: users.1.nmae: unknown key, did you mean name? Allowed: name");
  CHECK(problem_of("users = []", read) == "a.toml:1: users: wanted a list of 1..2 tables, found a list of 0");
  CHECK(problem_of("users = [3]", read) == "a.toml:1: users.0: wanted a table, found 3");
}

TEST_CASE("config: all problems are reported, in the order of the file", "[common][host][config]") {
  const std::string problems = problem_of("b = 0\na = 0\nc = 1", [](const ConfigReader& root) {
    root.integer("a", {1, 2});
    root.integer("b", {1, 2});
  });
  CHECK(problems ==
        "a.toml:1: b: 0 is not allowed, use 1..2\na.toml:2: a: 0 is not allowed, use 1..2\n"
        "a.toml:3: c: unknown key. Allowed: a, b");
}

TEST_CASE("config: what is not TOML is refused with its line", "[common][host][config]") {
  const Result<ConfigFile> file = ConfigFile::parse("a = 1\nb = \n", "a.toml", {});
  REQUIRE(file.has_error());
  CHECK_THAT(file.error().message, Contains("a.toml:2: this is not TOML: "));
  CHECK(ConfigFile::parse("a = 1\na = 2", "a.toml", {}).has_error());
  CHECK(ConfigFile::parse("a = \"\xff\"", "a.toml", {}).has_error());
  CHECK(ConfigFile::parse("a = " + std::string(100000, '['), "a.toml", {}).has_error());
}

TEST_CASE("config: files that cannot be read or are no configuration are refused", "[common][host][config]") {
  const test::TemporaryFolder folder;
  CHECK_THAT(ConfigFile::read(folder.file("none.toml"), {}).error().message, Contains("none.toml: cannot be read"));
  CHECK_THAT(ConfigFile::read(folder.path(), {}).error().message, Contains("cannot be read"));
  folder.write("long.toml", std::string((1U << 20) + 1, '#'));
  CHECK_THAT(ConfigFile::read(folder.file("long.toml"), {}).error().message, Contains("longer than 1048576 bytes"));
  folder.write("good.toml", "a = 1");
  CHECK(ConfigFile::read(folder.file("good.toml"), {}).has_value());
}

TEST_CASE("config: overrides replace, add and address list entries", "[common][host][config]") {
  ConfigFile file = file_of("a = 1\nlist = [{n = 1}, {n = 2}]",
                            {{"a", "5"}, {"new.deep", "0.5"}, {"list.1.n", "7"}, {"name", "bare text"}, {"a", "6"}});
  const ConfigReader root = file.root();
  CHECK(root.integer("a", {1, 9}) == 6);
  CHECK(root.table("new", Presence::kRequired).real("deep", {0, 1}) == 0.5);
  const std::vector<ConfigReader> entries = root.tables("list", {2, 2});
  CHECK(entries[0].integer("n", {1, 9}) == 1);
  CHECK(entries[1].integer("n", {1, 9}) == 7);
  CHECK(root.text("name", 99) == "bare text");
  CHECK(file.finish().has_value());
}

TEST_CASE("config: a problem with an override names the override", "[common][host][config]") {
  ConfigFile file = file_of("a = 1", {{"a", "ten"}, {"b", "1"}});
  file.root().integer("a", {1, 9});
  CHECK(file.finish().error().message ==
        "--set a=ten: a: wanted a whole number 1..9, found the text \"ten\"\n"
        "--set b=1: b: unknown key. Allowed: a");
  const auto refused = [](const Override& change) {
    return ConfigFile::parse("a = 1\nlist = [1]", "a.toml", {change}).error().message;
  };
  CHECK(refused({"a.b", "1"}) == "--set a.b=1: a is a value, nothing stands below it");
  CHECK(refused({"list.1", "1"}) == "--set list.1=1: list has no entry 1, use 0..0");
  CHECK(refused({"list.x", "1"}) == "--set list.x=1: list has no entry x, use 0..0");
  CHECK_THAT(refused({"", "1"}), Contains("the key has an empty part"));
  CHECK_THAT(refused({"a..b", "1"}), Contains("--set a..b=1: "));
}
