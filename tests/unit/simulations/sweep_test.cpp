#include "skink/simulations/sweep.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "skink/host/files/files.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "small_sine.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

SweepOptions options_in(const test::TemporaryFolder& folder) {
  SweepOptions options;
  options.experiment_file = folder.file("sweep.toml");
  REQUIRE(write_file(options.experiment_file, test::kSmallSine).has_value());
  options.out_dir = folder.path();
  options.seeds = {0, 1, 5};
  options.axes = {{"meta.cohort", {"1", "2"}}, {"codec.uplink", {"\"float32\"", "int8"}}};
  return options;
}

SweepResult sweep(const SweepOptions& options) {
  auto result = run_sweep(options);
  if (!result) FAIL(result.error().message);
  REQUIRE(result->written.has_value());
  return std::move(*result);
}

}  // namespace

TEST_CASE("sweep: a grid option is a key and values", "[simulation][sweep]") {
  const auto axis = parse_axis(R"(model.layers=[1, 2],{a=1,b=2},"x,y",'p,"q')");
  REQUIRE(axis.has_value());
  CHECK(axis->key == "model.layers");
  CHECK(axis->values == std::vector<std::string>{"[1, 2]", "{a=1,b=2}", "\"x,y\"", "'p,\"q'"});
  CHECK(parse_axis("meta.rounds= 5, 6")->values == std::vector<std::string>{"5", "6"});
  CHECK(parse_axis(R"(name="a\",b",c)")->values == std::vector<std::string>{R"("a\",b")", "c"});
  for (const char* bad : {"", "=1", "meta.rounds", "meta.rounds=", "meta.rounds=1,,2", "meta.rounds=1,1", "seed=1,2",
                          "meta.rounds=1, ,2", "name=\"a,b", "task.phase=[0,1", "task.phase=0],1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_axis(bad).has_value());
  }
}

TEST_CASE("sweep: no setting replaces another unnoticed", "[simulation][sweep]") {
  const std::vector<Override> set{{"meta.rounds", "5"}, {"model.layers.0.units", "8"}};
  CHECK(check_keys(set, {{"meta.cohort", {"1"}}, {"model.layers.0.gain", {"1"}}}).has_value());
  CHECK(check_keys({{"model.layers", "[]"}}, {{"model.layers.0.units", {"1"}}}).has_value());
  CHECK(check_keys({{"meta.rounds", "1"}, {"meta.rounds", "2"}}, {}).has_value());  // as ever: the later one wins
  CHECK_FALSE(check_keys(set, {{"meta.rounds", {"1"}}}).has_value());
  CHECK_FALSE(check_keys(set, {{"model.layers", {"[]"}}}).has_value());
  CHECK_FALSE(check_keys({{"seed", "1"}}, {}).has_value());
  CHECK_FALSE(check_keys({}, {{"meta.rounds", {"1"}}, {"meta.rounds", {"2"}}}).has_value());
  CHECK(check_keys({}, {{"model.layers", {"[]"}}, {"model.layers.0.units", {"1"}}}).has_value());
  CHECK_FALSE(check_keys({}, {{"model.layers.0.units", {"1"}}, {"model.layers", {"[]"}}}).has_value());
}

TEST_CASE("sweep: seeds are numbers, ranges and lists", "[simulation][sweep]") {
  CHECK(*parse_seeds("7") == std::vector<std::uint64_t>{7});
  CHECK(*parse_seeds("0..4") == std::vector<std::uint64_t>{0, 1, 2, 3, 4});
  CHECK(*parse_seeds("9,2..3,9223372036854775807") == std::vector<std::uint64_t>{9, 2, 3, 9223372036854775807U});
  CHECK(parse_seeds("9223372036854775802..9223372036854775807")->size() == 6);
  for (const char* bad : {"", "a", "1,", "4..0", "1..", "..3", "-1", "1,1", "0..3,2", "0..20000", "1..2..3",
                          "9223372036854775808", "18446744073709551616", "0..18446744073709551615"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_seeds(bad).has_value());
  }
}

TEST_CASE("sweep: every run is the run that its settings describe, on any number of threads", "[simulation][sweep]") {
  const test::TemporaryFolder one;
  const test::TemporaryFolder many;
  SweepOptions options = options_in(one);
  options.threads = 1;
  const SweepResult result = sweep(options);
  REQUIRE(result.points.size() == 4);
  REQUIRE(result.runs.size() == 12);
  CHECK(result.finished == 12);
  for (const SweepRun& run : result.runs) {
    RunOptions single;
    std::vector<Override> overrides = result.points[run.point];
    overrides.push_back({"seed", std::to_string(run.seed)});
    single.experiment = parse_experiment(test::kSmallSine, "sweep.toml", overrides).value();
    const auto expected = run_experiment(single);
    REQUIRE(expected.has_value());
    CHECK(run.model_sha256 == expected->summary.model_sha256);
    CHECK(run.loss_after == expected->summary.last_evaluation.loss_after());
  }
  SweepOptions other = options_in(many);
  other.threads = 3;
  CHECK(sweep_csv(sweep(other)) == sweep_csv(result));
}

TEST_CASE("sweep: finished runs are kept, a larger grid adds to them", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  const SweepResult first = sweep(options);
  options.seeds.push_back(9);
  options.axes[0].values.emplace_back("3");
  const SweepResult more = sweep(options);
  CHECK(more.found == 12);
  CHECK(more.finished == 24);
  // A summary that is damaged or of a run that was stopped does not count.
  REQUIRE(write_file(folder.path() + "/" + more.runs[0].folder + "/summary.json", "{\"rounds\":20").has_value());
  const SweepResult again = sweep(options);
  CHECK(again.found == 23);
  CHECK(sweep_csv(again) == sweep_csv(more));
  // The same experiment in another file is the same one.
  REQUIRE(write_file(options.experiment_file, std::string(test::kSmallSine) + "\n# changed\n").has_value());
  CHECK(sweep(options).found == 24);
  // Another experiment is not mixed in.
  options.overrides = {{"evaluation.query_size", "11"}};
  const auto refused = run_sweep(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("holds another experiment") != std::string::npos);
  options.restarts = true;
  CHECK(sweep(options).found == 0);
}

TEST_CASE("sweep: the tables of a sweep over other keys are not replaced", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  options.seeds = {0};
  sweep(options);
  const std::string before = read_file(folder.file("runs.csv")).value();
  options.axes = {{"evaluation.query_size", {"3"}}};
  const auto refused = run_sweep(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("is of a sweep over other keys") != std::string::npos);
  CHECK(read_file(folder.file("runs.csv")).value() == before);
  options.restarts = true;
  CHECK(sweep(options).finished == 1);
}

TEST_CASE("sweep: a combination that is refused is said before anything runs", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  options.axes[0].values.emplace_back("31");  // more than the fleet has
  const auto refused = run_sweep(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("cohort") != std::string::npos);
  CHECK_FALSE(read_file(folder.file("runs.csv")).has_value());
}

TEST_CASE("sweep: a run that fails does not stop the others", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  options.axes = {{"meta.meta_learning_rate", {"0.5"}}};
  // The folder of seed 1 cannot be made: a file is in its place.
  REQUIRE(make_folder(folder.file("meta.meta_learning_rate=0.5")).has_value());
  REQUIRE(write_file(folder.file("meta.meta_learning_rate=0.5") + "/seed-1", "").has_value());
  const SweepResult result = sweep(options);
  CHECK(result.finished == 2);
  CHECK(result.failed == 1);
  CHECK(result.runs[1].state == SweepRun::State::kFailed);
  CHECK(runs_csv(result).find("seed-1") != std::string::npos);
}

TEST_CASE("sweep: what --restart replaces is gone before the new run has its name", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  options.axes.clear();
  options.seeds = {0};
  sweep(options);
  REQUIRE(read_file(folder.file("seed-0/summary.json")).has_value());
  options.overrides = {{"meta.cohort", "2"}};
  CHECK_FALSE(run_sweep(options).has_value());
  options.restarts = true;
  // Were it killed now, the old results would count as the new ones.
  options.on_progress = [&](const SweepProgress& progress) {
    if (progress.runs_done == 0) CHECK_FALSE(std::filesystem::exists(folder.file("seed-0/summary.json")));
  };
  CHECK(sweep(options).runs[0].device_rounds == 40);
}

TEST_CASE("sweep: a stopped sweep goes on, and counts only what it computes itself", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  const test::TemporaryFolder calm;
  SweepOptions options = options_in(folder);
  options.axes.clear();
  options.seeds = {0, 1};
  options.threads = 1;
  SweepProgress last;
  options.on_progress = [&last](const SweepProgress& progress) { last = progress; };
  int calls = 0;
  options.stop = [&calls] { return ++calls > 15; };
  const SweepResult stopped = sweep(options);
  CHECK(stopped.finished == 0);
  CHECK(stopped.failed == 0);
  CHECK(last.runs_done == 0);
  const std::uint64_t before = last.rounds_done;
  CHECK(before > 0);
  REQUIRE(std::filesystem::exists(folder.file("seed-0/checkpoint.json")));
  options.stop = nullptr;
  const SweepResult whole = sweep(options);
  CHECK(last.runs_done == 2);
  CHECK(last.rounds_done == 40 - before);
  CHECK(last.rounds == last.rounds_done);
  CHECK(last.device_rounds == 3 * last.rounds_done);
  CHECK(whole.found == 0);
  SweepOptions other = options_in(calm);
  other.axes.clear();
  other.seeds = {0, 1};
  CHECK(sweep_csv(sweep(other)) == sweep_csv(whole));
}

TEST_CASE("sweep: a folder belongs to one at a time", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  {
    const auto lock = FolderLock::take(folder.path(), "another one computes here");
    REQUIRE(lock.has_value());
    const auto refused = FolderLock::take(folder.path(), "another one computes here");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("another one computes here") != std::string::npos);
  }
  CHECK(FolderLock::take(folder.path(), "another one computes here").has_value());
  CHECK_FALSE(FolderLock::take(folder.file("absent"), "another one computes here").has_value());
}

TEST_CASE("sweep: a data set that is absent is said before anything runs", "[simulation][sweep]") {
  const test::TemporaryFolder folder;
  SweepOptions options = options_in(folder);
  options.axes = {{"task.dataset", {"absent"}}};
  options.overrides = {{"task.source", "dataset"},
                       {"task.ways", "2"},
                       {"model.loss", "softmax_cross_entropy"},
                       {"model.layers.2.units", "2"}};
  const auto refused = run_sweep(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("absent") != std::string::npos);
  CHECK(refused.error().code == Status::kUnavailable);
  CHECK_FALSE(read_file(folder.file("runs.csv")).has_value());
}
