#include "skink/coordinator/results/claim.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "fakes/scratch_folder.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/files/files.hpp"

using namespace skink;
using coordinator::check_no_run;
using coordinator::claim_folder;
using coordinator::Found;

namespace {

constexpr const char* kSine = R"(
name = "claimed"
[model]
input = [1]
loss = "mean_squared_error"
layers = [{ type = "dense", units = 1 }]
[task]
source = "sine"
support_size = 3
[meta]
strategy = "fedavg"
rounds = 5
inner_learning_rate = 0.1
[fleet]
devices = 2
)";

Experiment experiment_of(std::uint32_t rounds) {
  return parse_experiment(kSine, "claim_test", {{"meta.rounds", std::to_string(rounds)}}).value();
}

/// The same with a data set, "pumps".
Experiment with_data() {
  return parse_experiment(kSine, "claim_test",
                          {{"task.source", "dataset"},
                           {"task.dataset", "pumps"},
                           {"task.ways", "2"},
                           {"model.loss", "softmax_cross_entropy"},
                           {"model.layers.0.units", "2"}})
      .value();
}

std::string refusal(const std::string& folder, const Experiment& experiment, const std::string& dataset = "",
                    Found found = Found::kKeep) {
  const auto claimed = claim_folder(folder, {experiment, dataset, found, "do this"});
  if (claimed) return "";
  CHECK(claimed.error().cause == Cause::kConfiguration);
  return claimed.error().message;
}

void write(const std::string& path, const std::string& text) { REQUIRE(write_file(path, text).has_value()); }

}  // namespace

TEST_CASE("claim: an empty folder is given, and says whose it is", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  const Experiment experiment = experiment_of(5);
  CHECK(refusal(scratch.path(), experiment).empty());
  CHECK(read_file(coordinator::experiment_path(scratch.path())).value() == to_toml(experiment));
  CHECK(refusal(scratch.path(), experiment).empty());        // the same again
  CHECK(refusal(scratch.path(), experiment_of(6)).empty());  // nothing was computed yet
}

TEST_CASE("claim: results of another experiment stay, unless they may be replaced", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  const std::string& folder = scratch.path();
  REQUIRE(refusal(folder, experiment_of(5)).empty());
  write(folder + "/summary.json", "{}");
  write(folder + "/checkpoint.json", "{}");
  const std::vector<std::string> more{"/devices.csv", "/confusion.csv", "/model-20.skm"};
  const std::vector<std::string> others{"/model-.skm", "/model-b20.skm", "/model-20.skm.old", "/notes.csv"};
  for (const auto* names : {&more, &others}) {
    for (const std::string& name : *names) write(folder + name, "x");
  }
  CHECK(refusal(folder, experiment_of(6)) ==
        folder + ": holds another experiment ([meta] rounds: 5 there, 6 here); do this");
  CHECK(read_file(coordinator::experiment_path(folder)).value() == to_toml(experiment_of(5)));
  CHECK(refusal(folder, experiment_of(6), "", Found::kReplace).empty());
  CHECK_FALSE(std::filesystem::exists(folder + "/summary.json"));
  CHECK_FALSE(std::filesystem::exists(folder + "/checkpoint.json"));
  for (const std::string& name : more) CHECK_FALSE(std::filesystem::exists(folder + name));
  for (const std::string& name : others) CHECK(std::filesystem::exists(folder + name));
  CHECK(read_file(coordinator::experiment_path(folder)).value() == to_toml(experiment_of(6)));
}

TEST_CASE("claim: results that do not say what they are of are not replaced", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  write(scratch.path() + "/summary.json", "{}");
  CHECK(refusal(scratch.path(), experiment_of(5)).find("do not say of which experiment") != std::string::npos);
  CHECK(std::filesystem::exists(scratch.path() + "/summary.json"));
  const test::ScratchFolder other;
  write(other.path() + "/model.skm", "x");  // of somebody
  CHECK(refusal(other.path(), experiment_of(5)).find("do not say of which experiment") != std::string::npos);
}

TEST_CASE("claim: a file of somebody, of that name, is not replaced", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  const std::string path = coordinator::experiment_path(scratch.path());
  const Experiment experiment = experiment_of(5);
  const std::string own = GENERATE(as<std::string>{}, "# mine\n", "not TOML", "");
  write(path, own + (own == "# mine\n" ? to_toml(experiment) : ""));
  const Found found = GENERATE(Found::kKeep, Found::kReplace);
  CHECK(refusal(scratch.path(), experiment, "", found).find("move the file away") != std::string::npos);
  CHECK(read_file(path).value().substr(0, own.size()) == own);
}

TEST_CASE("claim: the same experiment with other data is another one", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  const std::string& folder = scratch.path();
  const Experiment experiment = with_data();
  REQUIRE(refusal(folder, experiment, "aa").empty());
  write(folder + "/summary.json", R"({"dataset_sha256": "aa"})");
  CHECK(refusal(folder, experiment, "aa").empty());
  CHECK(refusal(folder, experiment, "bb").find("data set pumps has changed since") != std::string::npos);
  CHECK(refusal(folder, experiment, "bb", Found::kReplace).empty());
  write(folder + "/summary.json", "damaged");
  CHECK(refusal(folder, experiment, "bb").empty());
}

TEST_CASE("claim: one run and many runs do not share a folder", "[coordinator][results]") {
  const test::ScratchFolder scratch;
  CHECK(check_no_run(scratch.path()).has_value());
  write(scratch.path() + "/runs.csv", "");
  CHECK(check_no_run(scratch.path()).has_value());
  const Found found = GENERATE(Found::kKeep, Found::kReplace);
  CHECK(refusal(scratch.path(), experiment_of(5), "", found).find("holds many runs") != std::string::npos);
  const test::ScratchFolder other;
  REQUIRE(refusal(other.path(), experiment_of(5)).empty());
  CHECK(check_no_run(other.path()).has_value());  // it got to nothing
  write(other.path() + "/checkpoint.json", "{}");
  CHECK_FALSE(check_no_run(other.path()).has_value());
}
