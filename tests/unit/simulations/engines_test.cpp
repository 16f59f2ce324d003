/// @file
/// The learning engine ends with the protocol engine's model, whatever instruction set and threads it uses.

#include <catch2/catch.hpp>
#include <cstdlib>

#include "skink/host/files/files.hpp"
#include "skink/simulations/run.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using simulations::Engine;
using simulations::Lanes;
using simulations::RunOptions;
using simulations::RunResult;

namespace {

// 19 devices a round: neither 8 nor 16 divides them. 13 samples: batches of 5 leave one of 3.
constexpr const char* kSine = R"(
name = "engines"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
input_scale = 0.7
input_offset = 0.3
layers = [
  { type = "dense", units = 9, initializer = "kinks", slopes = [0.1, 0.6], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 11, gain = 1.7 },
  { type = "tanh" },
  { type = "dense", units = 1 },
]
[task]
source = "sine"
support_size = 13
[meta]
strategy = "reptile"
rounds = 6
cohort = 19
inner_learning_rate = 0.01
passes = 2
batch_size = 5
meta_learning_rate = 1.0
meta_learning_rate_final = 0.2
[evaluation]
every = 3
tasks = 7
final_tasks = 21
query_size = 10
[fleet]
devices = 30
held_out = 5
)";

RunResult run(const Experiment& experiment, Engine engine, const std::string& data = "",
              const simulations::LaneFunctions* isa = nullptr, Lanes lanes = Lanes::kChosen,
              std::uint32_t threads = 1) {
  RunOptions options;
  options.experiment = experiment;
  options.engine = engine;
  options.data_dir = data;
  options.isa = isa;
  options.lanes = lanes;
  options.threads = threads;
  auto result = simulations::run_experiment(options);
  if (!result) FAIL(result.error().message);
  REQUIRE(result->finished);
  return std::move(*result);
}

void check_same(const RunResult& result, const RunResult& expected) {
  CHECK(result.summary.model_sha256 == expected.summary.model_sha256);
  CHECK(result.summary.traffic.device_rounds == expected.summary.traffic.device_rounds);
  REQUIRE(result.rounds.size() == expected.rounds.size());
  for (std::uint32_t r = 0; r < result.rounds.size(); ++r) {
    CHECK(result.rounds[r].updates == expected.rounds[r].updates);
    CHECK(result.rounds[r].diverged == expected.rounds[r].diverged);
    CHECK(result.rounds[r].refused == expected.rounds[r].refused);
    CHECK(result.rounds[r].total_weight == expected.rounds[r].total_weight);
    CHECK(result.rounds[r].meta_learning_rate == expected.rounds[r].meta_learning_rate);
  }
  REQUIRE(result.evaluations.size() == expected.evaluations.size());
  for (std::size_t e = 0; e < result.evaluations.size(); ++e) {
    const wire::Evaluation& one = result.evaluations[e].total;
    const wire::Evaluation& other = expected.evaluations[e].total;
    CHECK(result.evaluations[e].rounds == expected.evaluations[e].rounds);
    CHECK(result.evaluations[e].devices == expected.evaluations[e].devices);
    CHECK(one.tasks == other.tasks);
    CHECK(one.query_samples == other.query_samples);
    CHECK(one.loss_before == other.loss_before);
    CHECK(one.loss_after == other.loss_after);
    CHECK(one.correct_before == other.correct_before);
    CHECK(one.correct_after == other.correct_after);
    CHECK(one.diverged_tasks == other.diverged_tasks);
  }
}

/// Runs the learning engine with every instruction set, kind of lanes and some numbers of threads.
void check_lanes(const Experiment& experiment, const RunResult& expected, const std::string& data = "") {
  const bool has_neurons =
      experiment.meta.strategy != StrategyKind::kFomaml && experiment.adapt.scope == experiment.evaluation.scope;
  for (const simulations::LaneFunctions* isa : simulations::available_lanes()) {
    for (const Lanes lanes : {Lanes::kDevice, Lanes::kNeuron}) {
      if (lanes == Lanes::kNeuron && !has_neurons) continue;
      for (const std::uint32_t threads : {1U, 2U, 3U}) {
        CAPTURE(isa->name, lanes, threads);
        check_same(run(experiment, Engine::kLearning, data, isa, lanes, threads), expected);
      }
    }
  }
}

/// Likewise, against the protocol engine.
RunResult check_engines(const Experiment& experiment, const std::string& data = "") {
  RunResult expected = run(experiment, Engine::kProtocol, data);
  check_lanes(experiment, expected, data);
  return expected;
}

Experiment sine(const std::vector<Override>& overrides) {
  const auto parsed = parse_experiment(kSine, "engines.toml", overrides);
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

/// The data set of the experiments in tests/golden. @returns the source folder; null: the environment has none.
const char* make_images(const test::TemporaryFolder& folder) {
  const char* python = std::getenv("SKINK_PYTHON");
  const char* source = std::getenv("SKINK_SOURCE_DIR");
  if (python == nullptr || source == nullptr) {
    WARN("SKINK_PYTHON or SKINK_SOURCE_DIR is not set");
    return nullptr;
  }
  const std::string command = std::string("\"") + python + "\" \"" + source + "/tests/data/make_images.py\" \"" +
                              folder.file("images") + "\" --size 14 --classes 60 --drawings 20 --drawers 3";
  REQUIRE(std::system(command.c_str()) == 0);
  return source;
}

}  // namespace

TEST_CASE("engines: every strategy and codec ends with one model", "[simulation][engines]") {
  check_engines(sine({}));
  check_engines(sine({{"meta.strategy", "\"tinyreptile\""}, {"meta.batch_size", "1"}}));
  check_engines(sine({{"meta.strategy", "\"tinyreptile\""}, {"meta.batch_size", "1"}, {"meta.cohort", "1"}}));
  for (const char* batch : {"1", "5"}) {
    const Override strategy{"meta.strategy", "\"fedprox\""};
    check_engines(sine({strategy, {"meta.proximal", "3.5"}, {"meta.batch_size", batch}}));
    check_engines(sine({strategy, {"meta.proximal", "20"}, {"meta.batch_size", batch}, {"meta.cohort", "1"}}));
    check_engines(sine({strategy, {"codec.uplink", "eden:2+ef"}, {"meta.batch_size", batch}}));
  }
  for (const char* batch : {"1", "5"}) {
    const Override strategy{"meta.strategy", "\"fomaml\""};
    const Override query{"task.query_size", "37"};  // more than a slice
    check_engines(sine({strategy, query, {"meta.batch_size", batch}}));
    check_engines(sine({strategy, {"meta.batch_size", batch}, {"meta.cohort", "1"}}));
    check_engines(sine({strategy, query, {"codec.uplink", "topk:0.2+ternary+ef"}, {"meta.batch_size", batch}}));
    check_engines(sine({strategy, query, {"meta.inner_learning_rate", "0.2"}, {"meta.batch_size", batch}}));
  }
  for (const char* strategy : {"\"fedavgm\"", "\"fedadam\"", "\"fedyogi\""}) {
    CAPTURE(strategy);
    check_engines(sine({{"meta.strategy", strategy}, {"meta.batch_size", "4"}}));
    check_engines(sine({{"meta.strategy", strategy}, {"meta.batch_size", "1"}, {"meta.cohort", "1"}}));
    check_engines(sine({{"meta.strategy", strategy}, {"codec.downlink", "eden:1+ef"}}));
  }
  for (const char* uplink : {"int8", "int4:block:nearest+range+ef", "ternary", "sign+ef", "eden:1", "eden:3+ef",
                             "topk:0.05+ternary+range+ef", "topk:0.2+float32"}) {
    CAPTURE(uplink);
    check_engines(sine({{"codec.uplink", uplink}}));
  }
  for (const char* downlink : {"eden:1+ef", "topk:0.05+ternary+range+ef", "int8:nearest"}) {
    CAPTURE(downlink);
    check_engines(sine({{"codec.downlink", downlink}, {"codec.uplink", "topk:0.2+ternary+ef"}}));
  }
  check_engines(sine({{"codec.downlink", "eden:2"},
                      {"meta.strategy", "\"tinyreptile\""},
                      {"meta.batch_size", "1"},
                      {"meta.cohort", "1"}}));
  check_engines(sine({{"meta.batch_size", "17"}, {"task.support_size", "40"}, {"task.fresh", "\"device\""}}));
  check_engines(sine({{"evaluation.batch_size", "4"}, {"evaluation.passes", "3"}}));
}

TEST_CASE("engines: a run that is interrupted goes on with what its strategy kept", "[simulation][engines]") {
  const char* const strategy = GENERATE("\"fedavg\"", "\"fedavgm\"", "\"fedadam\"", "\"fedyogi\"");
  CAPTURE(strategy);
  const test::TemporaryFolder folder;
  RunOptions options;
  options.experiment = sine({{"meta.strategy", strategy}});
  options.experiment_id = "one";
  options.threads = 1;
  const RunResult calm = run(options.experiment, Engine::kLearning);
  options.out_dir = folder.path();
  for (std::uint32_t done = 1; done <= 6; ++done) {
    std::uint32_t rounds = 0;
    options.on_progress = [&rounds](const simulations::Progress&) { ++rounds; };
    options.stop = [&rounds, done] { return done < 6 && rounds > 0; };
    const auto result = simulations::run_experiment(options);
    if (!result) FAIL(result.error().message);
    CHECK(result->continued_after == done - 1);
    if (done == 6) CHECK(result->summary.model_sha256 == calm.summary.model_sha256);
  }
}

TEST_CASE("engines: neurons in the lanes, networks of many shapes", "[simulation][engines]") {
  const char* const layers =
      GENERATE(R"([{ type = "dense", units = 1 }])",
               R"([{ type = "dense", units = 3 }, { type = "tanh" }, { type = "dense", units = 1 }])",
               R"([{ type = "dense", units = 37 }, { type = "relu" }, { type = "dense", units = 1 }, { type = "tanh" },
          { type = "dense", units = 17 }, { type = "relu" }, { type = "dense", units = 1 }])",
               R"([{ type = "dense", units = 20, trainable = "none" }, { type = "relu" },
          { type = "dense", units = 66 }, { type = "relu" }, { type = "dense", units = 9, trainable = "bias" },
          { type = "tanh" }, { type = "dense", units = 1, trainable = "weights" }])");
  const char* const cohort = GENERATE("1", "5");
  CAPTURE(layers, cohort);
  check_engines(sine({{"model.layers", layers},
                      {"meta.strategy", "\"tinyreptile\""},
                      {"meta.batch_size", "1"},
                      {"meta.cohort", cohort},
                      {"meta.rounds", "20"}}));
}

TEST_CASE("engines: with the strategy none nothing moves, and nobody is asked", "[simulation][engines]") {
  for (const char* cohort : {"1", "19"}) {
    const Experiment none = sine({{"meta.strategy", "\"none\""}, {"meta.cohort", cohort}, {"meta.batch_size", "1"}});
    const RunResult result = run(none, Engine::kLearning);
    const Experiment unborn = sine({{"meta.meta_learning_rate", "0"}, {"meta.meta_learning_rate_final", "0"}});
    CHECK(result.summary.model_sha256 == run(unborn, Engine::kLearning).summary.model_sha256);
    REQUIRE(result.rounds.size() == 6);
    CHECK(result.rounds[5].updates + result.rounds[5].diverged + result.rounds[5].total_weight == 0);
    CHECK(result.evaluations.size() == 3);
  }
  for (const StrategyKind strategy : {StrategyKind::kNone, StrategyKind::kCentral}) {
    RunOptions options;
    options.engine = Engine::kProtocol;
    options.experiment = sine({{"meta.cohort", "1"}});
    options.experiment.meta.strategy = strategy;
    const auto refused = simulations::run_experiment(options);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("asks no fleet") != std::string::npos);
  }
}

TEST_CASE("engines: an evaluation without passes has one figure, before and after", "[simulation][engines]") {
  const RunResult result = check_engines(sine({{"evaluation.passes", "0"}}));
  for (const auto& evaluation : result.evaluations) {
    CHECK(evaluation.total.loss_before == evaluation.total.loss_after);
    CHECK(evaluation.total.diverged_tasks == 0);
  }
}

TEST_CASE("engines: a scope is the same in all lanes", "[simulation][engines]") {
  const std::vector<Override> overrides =
      GENERATE(std::vector<Override>{{"adapt.scope", "\"head\""}, {"meta.batch_size", "1"}, {"meta.cohort", "1"}},
               std::vector<Override>{{"adapt.scope", "\"bias+head\""}, {"meta.batch_size", "1"}},
               std::vector<Override>{{"adapt.scope", "\"0.bias\""}, {"evaluation.scope", "\"all\""}},
               std::vector<Override>{{"evaluation.scope", "\"head\""}, {"codec.uplink", "\"eden:2+ef\""}});
  const Experiment experiment = sine(overrides);
  const simulations::LaneFunctions* scalar = simulations::available_lanes().back();
  const RunResult expected = run(experiment, Engine::kLearning, "", scalar, Lanes::kDevice, 1);
  CHECK(expected.summary.model_sha256 !=
        run(sine({}), Engine::kLearning, "", scalar, Lanes::kDevice, 1).summary.model_sha256);
  check_lanes(experiment, expected);
}

TEST_CASE("engines: neuron lanes refuse what they cannot compute", "[simulation][engines]") {
  RunOptions options;
  options.lanes = Lanes::kNeuron;
  options.experiment = sine({{"meta.strategy", "\"fomaml\""}, {"meta.batch_size", "1"}});
  const auto gradient = simulations::run_experiment(options);
  REQUIRE_FALSE(gradient.has_value());
  CHECK(gradient.error().message.find("gradient of a query set") != std::string::npos);
  options.experiment =
      sine({{"evaluation.scope", "\"head\""}, {"meta.batch_size", "1"}, {"evaluation.batch_size", "1"}});
  const auto scopes = simulations::run_experiment(options);
  REQUIRE_FALSE(scopes.has_value());
  CHECK(scopes.error().message.find("have one scope") != std::string::npos);
}

TEST_CASE("engines: a round whose devices have no passes changes nothing", "[simulation][engines]") {
  const RunResult result = check_engines(sine({{"meta.rounds", "1"}, {"meta.inner_learning_rate", "1e-30"}}));
  CHECK(result.rounds[0].updates == 19);
}

TEST_CASE("engines: devices that diverge, and changes that are too large, are the same ones", "[simulation][engines]") {
  const char* const rate = GENERATE("0.2", "1.0", "30.0", "100.0");
  const char* const uplink = GENERATE("\"float32\"", "\"int8\"", "\"eden:1+ef\"", "\"topk:0.1+ternary+ef\"");
  CAPTURE(rate, uplink);
  const char* const batch = GENERATE("1", "5");
  CAPTURE(batch);
  const RunResult result = check_engines(sine({{"meta.inner_learning_rate", rate},
                                               {"meta.strategy", batch[0] == '1' ? "\"tinyreptile\"" : "\"reptile\""},
                                               {"meta.batch_size", batch},
                                               {"evaluation.inner_learning_rate", rate},
                                               {"codec.uplink", uplink},
                                               {"meta.meta_learning_rate", "0.1"},
                                               {"meta.meta_learning_rate_final", "0.1"}}));
  std::uint32_t lost = 0;
  for (std::uint32_t r = 0; r < result.rounds.size(); ++r) lost += result.rounds[r].diverged + result.rounds[r].refused;
  CHECK(lost > 0);
}

TEST_CASE("engines: convolutions, pools, a frozen tensor and classes from a data set", "[simulation][engines]") {
  const test::TemporaryFolder folder;
  const char* const source = make_images(folder);
  if (source == nullptr) return;
  for (const char* file : {"conv", "online_conv", "layers"}) {
    CAPTURE(file);
    const auto experiment = read_experiment(std::string(source) + "/tests/golden/" + file + ".toml");
    if (!experiment) FAIL(experiment.error().message);
    const RunResult result = check_engines(*experiment, folder.path());
    CHECK(result.evaluations.back().total.correct_after > 0);
    const auto batches = read_experiment(std::string(source) + "/tests/golden/" + file + ".toml",
                                         {{"meta.strategy", "\"reptile\""}, {"meta.batch_size", "5"}});
    if (!batches) FAIL(batches.error().message);
    check_engines(*batches, folder.path());
    const auto hinge = read_experiment(std::string(source) + "/tests/golden/" + file + ".toml",
                                       {{"model.loss", "\"multiclass_hinge\""}, {"evaluation.scope", "\"all\""}});
    if (!hinge) FAIL(hinge.error().message);
    check_engines(*hinge, folder.path());
  }
  // Neuron lanes look at inputs that are not zero only, and pull what these have changed.
  for (const char* cohort : {"1", "3"}) {
    CAPTURE(cohort);
    const auto sparse = read_experiment(std::string(source) + "/tests/golden/conv.toml",
                                        {{"model.layers", R"([{ type = "flatten" }, { type = "dense", units = 21 },
                                           { type = "relu" }, { type = "dense", units = 3 }])"},
                                         {"meta.strategy", "\"fedprox\""},
                                         {"meta.proximal", "5"},
                                         {"meta.batch_size", "1"},
                                         {"meta.cohort", cohort}});
    if (!sparse) FAIL(sparse.error().message);
    check_engines(*sparse, folder.path());
  }
}

TEST_CASE("engines: filters in the lanes, convolutions of many shapes", "[simulation][engines]") {
  const test::TemporaryFolder folder;
  const char* const source = make_images(folder);
  if (source == nullptr) return;
  for (const char* layers : {
           R"([{ type = "conv2d", filters = 19, kernel = [5, 1], stride = [3, 2] }, { type = "tanh" },
               { type = "conv2d", filters = 1, kernel = 2, padding = "same" }, { type = "flatten" },
               { type = "dense", units = 3 }])",
           R"([{ type = "conv2d", filters = 7, kernel = [1, 14], stride = [1, 3] }, { type = "relu" },
               { type = "conv2d", filters = 18, kernel = [5, 1], stride = [2, 3], padding = "same" },
               { type = "tanh" }, { type = "conv2d", filters = 4, kernel = [3, 1] }, { type = "flatten" },
               { type = "dense", units = 3 }])",  // series, after the first layer
           R"([{ type = "conv2d", filters = 3, kernel = 3, stride = 2, padding = "same" },
               { type = "conv2d", filters = 21, kernel = [1, 4], stride = 2, padding = "same", trainable = "bias" },
               { type = "relu" }, { type = "conv2d", filters = 33, kernel = 3, trainable = "weights" },
               { type = "relu" }, { type = "conv2d", filters = 16, kernel = [2, 1] }, { type = "flatten" },
               { type = "dense", units = 3 }])",
           R"([{ type = "conv2d", filters = 17, kernel = 5, padding = "same", trainable = "none" }, { type = "relu" },
               { type = "max_pool", kernel = 2 }, { type = "conv2d", filters = 9, kernel = 1 },
               { type = "group_norm", groups = 3 }, { type = "conv2d", filters = 5, kernel = 7, padding = "same" },
               { type = "tanh" }, { type = "global_average_pool" }, { type = "dense", units = 3 }])"}) {
    CAPTURE(layers);
    const auto experiment = read_experiment(std::string(source) + "/tests/golden/online_conv.toml",
                                            {{"model.layers", layers}, {"meta.cohort", "1"}});
    if (!experiment) FAIL(experiment.error().message);
    check_engines(*experiment, folder.path());
  }
}

TEST_CASE("engines: a device alone is computed without lanes, unless evaluations are most of the work",
          "[simulation]") {
  const auto isa_of = [](const std::vector<Override>& more) {
    std::vector<Override> overrides{{"meta.cohort", "1"}, {"meta.rounds", "200"}, {"evaluation.every", "0"}};
    overrides.insert(overrides.end(), more.begin(), more.end());
    RunOptions options;
    options.experiment = parse_experiment(kSine, "engines_test", overrides).value();
    options.threads = 1;
    return run_learning(options)->isa;
  };
  const std::string widest = simulations::available_lanes().front()->name;
  CHECK(isa_of({{"meta.strategy", "\"fomaml\""}}) == "scalar");
  CHECK(isa_of({{"meta.cohort", "3"}}) == widest);
  CHECK(isa_of({{"meta.strategy", "\"fomaml\""}, {"evaluation.final_tasks", "900"}}) == widest);
  CHECK(isa_of({}) == widest);  // neurons are in the lanes
  CHECK(isa_of({{"meta.batch_size", "1"}, {"evaluation.batch_size", "1"}}) == widest);
}
