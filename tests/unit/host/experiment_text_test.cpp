/// @file
/// An experiment written out is read as the same experiment.

#include "skink/host/experiment/experiment_text.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "experiment_texts.hpp"

using namespace skink;

namespace {

std::vector<std::string> shipped() {
  const char* source = std::getenv("SKINK_SOURCE_DIR");
  REQUIRE(source != nullptr);
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(source) + "/experiments")) {
    if (entry.path().extension() == ".toml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() > 5);
  return paths;
}

/// Reads what was written and compares every field, then the text.
void check_round_trip(const Experiment& experiment) {
  const std::string text = to_toml(experiment);
  CAPTURE(text);
  const auto again = parse_experiment(text, "written");
  if (!again) FAIL(again.error().message);
  CHECK(*again == experiment);
  CHECK(to_toml(*again) == text);
  CHECK(first_difference(text, to_toml(*again)).empty());
}

using Values = std::map<std::string, std::vector<std::string>>;

/// Keys that apply to every experiment, and to those of one source.
const Values kAny{{"seed", {"0", "7", "9223372036854775807"}},
                  {"name", {"x", "a-b-1"}},
                  {"model.input_scale", {"0.1", "1e-7", "-3.25", "1e9", "0.06666666666666667", "3e-39"}},
                  {"model.input_offset", {"0", "-0.0", "123.456", "1e-30"}},
                  {"task.support_size", {"1", "3"}},
                  {"task.query_size", {"2", "65535"}},
                  {"task.fresh", {"round", "device"}},
                  {"meta.strategy", {"tinyreptile", "reptile", "fedavg", "fedprox", "fedadam", "fomaml", "none"}},
                  {"meta.rounds", {"1", "1000000"}},
                  {"meta.cohort", {"1", "2"}},
                  {"meta.inner_learning_rate", {"0.1", "100", "1e-10", "0.3333333333333333"}},
                  {"meta.passes", {"1", "1024"}},
                  {"meta.batch_size", {"1", "16"}},
                  {"meta.meta_learning_rate", {"0", "0.1", "1.7", "100"}},
                  {"meta.meta_learning_rate_final", {"0.0", "0.30000000000000004"}},
                  {"meta.clip_norm", {"0", "0.5", "1e6"}},
                  {"meta.clip_factor", {"0", "3", "1e6"}},
                  {"evaluation.every", {"0", "9"}},
                  {"evaluation.tasks", {"1", "50"}},
                  {"evaluation.final_tasks", {"2", "0"}},
                  {"evaluation.split", {"validation", "test"}},
                  {"evaluation.support_size", {"1", "4"}},
                  {"evaluation.query_size", {"3"}},
                  {"evaluation.passes", {"2"}},
                  {"evaluation.batch_size", {"1", "8"}},
                  {"evaluation.inner_learning_rate", {"0.007", "1e-3"}},
                  {"fleet.held_out", {"1"}},
                  {"fleet.deadline_ms", {"1", "5000"}},
                  {"fleet.offline_ms", {"0", "1"}},
                  {"codec.uplink", {"float32", "topk:0.05+ternary+range+ef", "eden:1"}},
                  {"codec.downlink", {"whole", "int8:nearest"}}};
const Values kSines{{"task.amplitude", {"[0.1, 0.2]", "[1, 1]"}},
                    {"task.phase", {"[0, 6.283185307179586]", "[-1e-5, 1e-5]"}},
                    {"task.input", {"[-4096, 4096]", "[0.1, 0.7]"}},
                    {"model.layers.0.slopes", {"[0.1, 0.9]"}},
                    {"model.layers.0.trainable", {"all", "none", "weights", "bias"}}};
const Values kDatasets{
    {"task.rotations", {"1", "4"}}, {"task.validation_classes", {"0", "12"}}, {"evaluation.rotations", {"1", "4"}}};

std::vector<Override> draw(const Values& values, std::mt19937& random) {
  std::vector<Override> overrides;
  for (const auto& [key, choices] : values) {
    if (random() % 3 == 0) overrides.push_back({key, choices[random() % choices.size()]});
  }
  return overrides;
}

}  // namespace

TEST_CASE("experiment text: every shipped experiment is read back as it was", "[host][experiment]") {
  for (const std::string& path : shipped()) {
    for (const Arm& arm : read_arms(path).value()) check_round_trip(arm.experiment);
  }
}

TEST_CASE("experiment text: whatever is set is written out and read back", "[host][experiment]") {
  std::mt19937 random(1);
  int sound = 0;
  for (const std::string& path : shipped()) {
    const bool is_sine = read_arms(path).value().front().experiment.task.source == TaskSource::kSine;
    for (int i = 0; i < 60; ++i) {
      std::vector<Override> overrides = draw(kAny, random);
      const std::vector<Override> more = draw(is_sine ? kSines : kDatasets, random);
      overrides.insert(overrides.end(), more.begin(), more.end());
      const auto arms = read_arms(path, overrides);
      if (!arms) continue;  // they do not go together
      ++sound;
      for (const Arm& arm : *arms) check_round_trip(arm.experiment);
    }
  }
  CHECK(sound > 100);
}

TEST_CASE("experiment text: every kind of layer is written out", "[host][experiment]") {
  check_round_trip(parse_experiment(test::kImages, "x.toml").value());
  check_round_trip(parse_experiment(test::kSine, "x.toml").value());
  const std::string layers = R"(
    { type = "depthwise_conv2d", kernel = [3, 2], stride = [1, 2], trainable = "weights" },
    { type = "group_norm", groups = 1, trainable = "bias" }, { type = "rational", trainable = "none" },
    { type = "tanh" }, { type = "global_average_pool" }, { type = "dense", units = 5, gain = 0.1 } )";
  check_round_trip(parse_experiment(test::layered(layers), "x.toml").value());
}

TEST_CASE("experiment text: what is written out names the first key that differs", "[host][experiment]") {
  const Experiment one = parse_experiment(test::kSine, "x.toml").value();
  const std::string text = to_toml(one);
  const auto with = [](const char* key, const char* value) {
    return to_toml(parse_experiment(test::kSine, "x.toml", {{key, value}}).value());
  };
  CHECK(first_difference(text, with("meta.rounds", "7")) == "[meta] rounds: 500 there, 7 here");
  CHECK(first_difference(text, with("seed", "8")) == "seed: 7 there, 8 here");
  CHECK(first_difference(text, with("model.layers.0.units", "9")).find("[model] layers.0: {") == 0);
  CHECK(first_difference(text, with("meta.rounds", "500")).empty());  // set to what it was
  CHECK(first_difference("", text) == "name: absent there, \"sine\" here");
  CHECK(first_difference(text + "\n[new]\nkey = 1\n", text) == "[new] key: 1 there, absent here");
  CHECK_FALSE(first_difference("# " + text, text).empty());
  CHECK(experiment_sha256(one).size() == 64);
}
