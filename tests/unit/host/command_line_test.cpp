#include "skink/host/program/command_line.hpp"

#include <catch2/catch.hpp>

#include "skink/host/program/exit_codes.hpp"

using namespace skink;

namespace {

enum class Colour { kNone, kRed, kBlue };

/// A program with what the real ones use.
struct Program {
  CommandLine line{"program", "Does something."};
  std::string file;
  std::string out = "here";
  std::vector<std::string> settings;
  std::vector<std::uint32_t> sizes{10};
  std::uint32_t count = 1;
  std::uint64_t bytes = 0;
  double share = 0.5;
  bool is_quiet = false;
  std::optional<Colour> colour;
  Command run = line.root().command("run", "Runs it");
  Command show = line.root().command("show", "Shows it");

  Program() {
    line.root().requires_command();
    run.option("file", file, "What to run").required();
    run.option("--out", out, "Where to").shows_default();
    run.option("--set", settings, "Replaces a key").takes_one();
    run.option("--sizes", sizes, "Some");
    const Option counted = run.option("--count", count, "How many").range(1U, 9U);
    run.option("--bytes", bytes, "How large").needs(counted);
    run.option("--share", share, "How much").range(0.25, 1.0).excludes(counted);
    run.flag("--quiet", is_quiet, "No progress");
    const std::vector<std::pair<const char*, Colour>> colours{{"red", Colour::kRed}, {"blue", Colour::kBlue}};
    run.choice("--colour", colour, colours, "Of it");
  }

  std::optional<int> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "program");
    return line.parse(static_cast<int>(words.size()), words.data());
  }
};

constexpr int kUsage = static_cast<int>(ExitCode::kUsage);

}  // namespace

TEST_CASE("command line: values, lists, flags and words reach their variables", "[common][host]") {
  Program program;
  const auto over = program.parse({"run", "--set", "a=1", "--set", "b=2", "x.toml", "--sizes", "3", "4", "--count", "9",
                                   "--bytes", "5000000000", "--quiet", "--colour", "blue"});
  REQUIRE_FALSE(over.has_value());
  CHECK(program.run.parsed());
  CHECK_FALSE(program.show.parsed());
  CHECK(program.file == "x.toml");
  CHECK(program.out == "here");
  CHECK(program.settings == std::vector<std::string>{"a=1", "b=2"});
  CHECK(program.sizes == std::vector<std::uint32_t>{3, 4});
  CHECK(program.count == 9);
  CHECK(program.bytes == 5'000'000'000);
  CHECK(program.is_quiet);
  CHECK(program.colour == Colour::kBlue);
}

TEST_CASE("command line: what is not mentioned stays as it was", "[common][host]") {
  Program program;
  REQUIRE_FALSE(program.parse({"run", "x.toml", "--share", "0.25"}).has_value());
  CHECK(program.share == 0.25);
  CHECK(program.count == 1);
  CHECK(program.sizes == std::vector<std::uint32_t>{10});
  CHECK_FALSE(program.colour.has_value());
  CHECK_FALSE(program.is_quiet);
}

TEST_CASE("command line: help and version are no error, a wrong line is one", "[common][host]") {
  CHECK(Program().parse({"--help"}) == static_cast<int>(ExitCode::kOk));
  CHECK(Program().parse({"run", "--help"}) == static_cast<int>(ExitCode::kOk));
  CHECK(Program().parse({"--version"}) == static_cast<int>(ExitCode::kOk));
  CHECK(Program().parse({"--print-command-tree"}) == static_cast<int>(ExitCode::kOk));
  CHECK(Program().parse({}) == kUsage);
  CHECK(Program().parse({"walk"}) == kUsage);
  CHECK(Program().parse({"run"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--loud"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--count", "0"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--count", "-1"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--count", "4294967297"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--share", "0.2"}) == kUsage);
  CHECK(Program().parse({"run", "x", "--bytes", "1"}) == kUsage);                    // needs --count
  CHECK(Program().parse({"run", "x", "--count", "1", "--share", "0.5"}) == kUsage);  // excludes it
  CHECK(Program().parse({"run", "x", "--colour", "green"}) == kUsage);
  CHECK(Program().line.fail_required("--id or --count") == kUsage);
}
