/// @file
/// Ctrl-C within rounds and evaluations: what is in work is given up, and a run that goes on ends with the model of one
/// that was never interrupted.

#include <atomic>
#include <catch2/catch.hpp>

#include "skink/host/files/files.hpp"
#include "skink/simulations/run.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using simulations::Engine;
using simulations::Lanes;
using simulations::RunOptions;
using simulations::RunResult;

namespace {

constexpr const char* kSine = R"(
name = "interrupted"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 9, initializer = "kinks", slopes = [0.1, 0.6], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 1 },
]
[task]
source = "sine"
support_size = 150
[meta]
strategy = "reptile"
rounds = 5
cohort = 19
inner_learning_rate = 0.01
passes = 3
[evaluation]
every = 2
tasks = 7
query_size = 150
[fleet]
devices = 30
held_out = 5
)";

struct Case {
  std::vector<Override> overrides;
  Lanes lanes = Lanes::kDevice;
  std::uint32_t threads = 1;
};

RunOptions options_of(const Case& one) {
  RunOptions options;
  options.experiment = parse_experiment(kSine, "give_up_test", one.overrides).value();
  options.engine = Engine::kLearning;
  options.lanes = one.lanes;
  options.threads = one.threads;
  return options;
}

}  // namespace

TEST_CASE("give up: a run that was interrupted anywhere goes on to the same model", "[simulation]") {
  const Case one =
      GENERATE(Case{{}, Lanes::kDevice, 1}, Case{{}, Lanes::kNeuron, 1}, Case{{}, Lanes::kDevice, 3},
               Case{{{"meta.batch_size", "5"}, {"evaluation.batch_size", "7"}}, Lanes::kDevice, 1},
               Case{{{"meta.cohort", "1"}, {"meta.rounds", "20"}}, Lanes::kNeuron, 1},  // strictly serial
               Case{{{"codec.uplink", "topk:0.1+ternary+ef"}, {"codec.downlink", "eden:1+ef"}}, Lanes::kDevice, 2});
  const RunResult whole = run_experiment(options_of(one)).value();
  REQUIRE(whole.finished);
  std::uint32_t asked = 0;
  std::uint32_t within = 0;  // interruptions that gave something up
  for (std::uint32_t patience = 1;; patience += 1 + patience / 8) {
    const test::TemporaryFolder folder;
    RunOptions options = options_of(one);
    options.out_dir = folder.path();
    options.experiment_id = "this one";
    std::atomic<std::uint32_t> calls{0};
    options.give_up = [&calls, patience] { return ++calls >= patience; };
    const RunResult first = run_experiment(options).value();
    asked = calls;
    if (first.finished) break;
    within += first.summary.rounds < whole.summary.rounds ? 1U : 0U;
    CHECK(first.rounds.size() == first.summary.rounds);
    options.give_up = {};
    const RunResult second = run_experiment(options).value();
    CHECK(second.continued_after == first.summary.rounds);
    REQUIRE(second.finished);
    REQUIRE(second.summary.model_sha256 == whole.summary.model_sha256);
    REQUIRE(second.evaluations.size() == whole.evaluations.size());
    CHECK(second.summary.last_evaluation.loss_after() == whole.summary.last_evaluation.loss_after());
    CHECK(second.summary.updates.taken == whole.summary.updates.taken);
  }
  CHECK(within > 10);
  CHECK(asked > 30);
}

TEST_CASE("give up: it takes a moment, not a round", "[simulation]") {
  const Engine engine = GENERATE(Engine::kLearning, Engine::kProtocol);
  RunOptions options = options_of({{{"meta.passes", "1024"}, {"meta.cohort", "25"}, {"evaluation.passes", "1024"}}});
  options.engine = engine;
  std::uint32_t calls = 0;
  options.give_up = [&calls] { return ++calls > 100; };
  const auto result = run_experiment(options);
  CHECK_FALSE(result->finished);
  CHECK(result->summary.rounds == 0);
  CHECK(calls < 200);  // all who are asked afterwards agree at once
}

TEST_CASE("give up: data that changed in between are noticed", "[simulation]") {
  const test::TemporaryFolder folder;
  RunOptions options = options_of({});
  options.out_dir = folder.path();
  options.experiment_id = "this one";
  options.dataset_sha256 = "as they were";
  std::uint32_t calls = 0;
  options.give_up = [&calls] { return ++calls > 100; };
  REQUIRE_FALSE(run_experiment(options)->finished);
  options.give_up = {};
  options.dataset_sha256 = "as they are";
  const auto refused = run_experiment(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().cause == Cause::kData);
  CHECK(refused.error().message.find("has changed since this run was interrupted") != std::string::npos);
  options.restarts = true;
  CHECK(run_experiment(options)->finished);
}

TEST_CASE("give up: a run in which nothing was learned says why", "[simulation]") {
  const Engine engine = GENERATE(Engine::kLearning, Engine::kProtocol);
  RunOptions options = options_of({{{"meta.inner_learning_rate", "100"}}});
  options.engine = engine;
  const RunResult diverged = run_experiment(options).value();
  CHECK_FALSE(diverged.verdict.has_learned);
  CHECK(diverged.summary.updates.taken == 0);
  CHECK(diverged.summary.updates.diverged == 95);
  CHECK(diverged.verdict.text.find("[meta] inner_learning_rate = 100") != std::string::npos);
  options.experiment = parse_experiment(kSine, "give_up_test", {{"model.input_scale", "1000"}}).value();
  const RunResult scaled = run_experiment(options).value();
  CHECK_FALSE(scaled.verdict.has_learned);
  CHECK(scaled.verdict.text.find("values from -5,000 to 5,000: set [model] input_scale = 0.346") != std::string::npos);
  options.experiment = parse_experiment(kSine, "give_up_test", {}).value();
  CHECK(run_experiment(options)->verdict.has_learned);
}
