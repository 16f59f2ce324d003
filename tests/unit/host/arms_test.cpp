#include <catch2/catch.hpp>

#include "experiment_texts.hpp"
#include "skink/host/files/files.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;

namespace {

Result<std::vector<Arm>> read(const std::string& text, const std::vector<Override>& overrides = {}) {
  const test::TemporaryFolder folder;
  REQUIRE(write_file(folder.file("x.toml"), text).has_value());
  return read_arms(folder.file("x.toml"), overrides);
}

std::string refusal(const std::string& arms) { return read(test::kSine + arms).error().message; }

}  // namespace

TEST_CASE("arms: keys of an arm take their places in the experiment", "[host][experiment]") {
  const auto arms = read(test::kSine + R"(
[[arm]]
name = "as it is"
[[arm]]
name = "FedAvg, 8"
meta.strategy = "fedavg"
meta.cohort = 8
[[arm]]
name = "more of it"
[arm.meta]
passes = 9
[arm.model]
layers = [ { type = "dense", units = 1 } ]
[arm.codec]
uplink = "int8"
)");
  REQUIRE(arms.has_value());
  REQUIRE(arms->size() == 3);
  const Experiment& base = (*arms)[0].experiment;
  CHECK((*arms)[0].name == "as it is");
  CHECK(base.name == "sine");
  CHECK(base.meta.passes == 3);
  CHECK((*arms)[1].name == "FedAvg, 8");
  CHECK((*arms)[1].experiment.meta.strategy == StrategyKind::kFedAvg);
  CHECK((*arms)[1].experiment.meta.cohort == 8);
  CHECK((*arms)[1].experiment.meta.passes == 3);
  CHECK((*arms)[2].experiment.meta.passes == 9);
  CHECK((*arms)[2].experiment.meta.strategy == base.meta.strategy);
  CHECK((*arms)[2].experiment.model.layers.size() == 1);
  CHECK((*arms)[2].experiment.uplink == "int8");
}

TEST_CASE("arms: overrides are for all of them", "[host][experiment]") {
  const auto arms =
      read(test::kSine + "[[arm]]\nname = \"a\"\nmeta.rounds = 7\n[[arm]]\nname = \"b\"\n", {{"meta.rounds", "9"}});
  REQUIRE(arms.has_value());
  for (const Arm& arm : *arms) CHECK(arm.experiment.meta.rounds == 9);
}

TEST_CASE("arms: a file without any is one, under its name", "[host][experiment]") {
  const auto arms = read(test::kSine);
  REQUIRE(arms.has_value());
  REQUIRE(arms->size() == 1);
  CHECK(arms->front().name == "sine");
}

TEST_CASE("arms: what is wrong with one is said where it stands", "[host][experiment]") {
  CHECK_THAT(refusal("[[arm]]\nname = \"a\"\nmeta.passes = 0\n"), Contains(":30: [meta] passes: 0 is not allowed"));
  CHECK_THAT(refusal("[[arm]]\nname = \"a\"\nmeta.pases = 2\n"),
             Contains(":30: [meta] pases: unknown key, did you mean passes?"));
  CHECK_THAT(refusal("[[arm]]\nmeta.passes = 2\n"), Contains("[arm] name: missing"));
  CHECK_THAT(refusal("[[arm]]\nname = \"" + std::string(61, 'x') + "\"\n"), Contains("[arm] name:"));
  CHECK_THAT(refusal("[[arm]]\nname = \"a\\nb\"\n"), Contains("[arm] name: has a control character"));
  CHECK_THAT(refusal("[[arm]]\nname = \"a\\u0007\"\n"), Contains("[arm] name: has a control character"));
  CHECK_THAT(refusal("[arm]\nname = \"a\"\n"), Contains("wanted a list of tables, written as [[arm]]"));
  CHECK_THAT(refusal("[[arm]]\nname = \"a\"\nmeta = 3\n"), Contains("[meta]: wanted a table"));
}

TEST_CASE("arms: whoever wants one experiment is told what several are for", "[host][experiment]") {
  const auto read = parse_experiment(test::kSine + "[[arm]]\nname = \"a\"\n", "x.toml");
  REQUIRE(!read.has_value());
  CHECK_THAT(read.error().message,
             Contains("x.toml:28: arm: these are several experiments, which skink-sim compare runs"));
}
