#include "skink/host/experiment/experiment.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "experiment_texts.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;

TEST_CASE("experiment: a sine experiment is read with its defaults", "[common][host][experiment]") {
  const Experiment read = parse_experiment(kSine, "x.toml").value();
  CHECK(read.name == "sine");
  CHECK(read.seed == 7);
  CHECK(read.model.input == nn::Shape{1, 1, 1});
  CHECK(read.model.input_scale == std::vector<float>{1.0F});
  CHECK(read.model.input_offset == std::vector<float>{0.0F});
  REQUIRE(read.model.layers.size() == 3);
  CHECK(read.model.layers[0].initializer == Initializer::kKinks);
  CHECK(read.model.layers[0].slope_min == 0.1F);
  CHECK(read.model.layers[0].input_max == 5.0F);
  CHECK(read.model.layers[1].spec.kind == nn::LayerKind::kRelu);
  CHECK(read.model.layers[2].initializer == Initializer::kHeUniform);
  CHECK(read.model.layers[2].gain == 0.5F);
  CHECK_FALSE(read.model.layers[2].spec.train_weights);
  CHECK(read.model.layers[2].spec.train_bias);
  CHECK(read.task.fresh == TaskFreshness::kRound);
  CHECK(read.task.amplitude_min == 0.1F);
  CHECK(read.task.phase_max == 6.2831853F);
  CHECK(read.meta.batch_size == 1);
  CHECK(read.meta.meta_learning_rate == 0.5);
  CHECK(read.meta.meta_learning_rate_final == 0.0);
  CHECK(read.evaluation.every == 100);
  CHECK(read.evaluation.final_tasks == 8);
  CHECK(read.evaluation.split == Split::kTest);
  CHECK(read.evaluation.support_size == 10);
  CHECK(read.evaluation.query_size == 20);
  CHECK(read.evaluation.passes == 3);
  CHECK(read.evaluation.batch_size == 1);
  CHECK(read.evaluation.inner_learning_rate == 0.01F);
  CHECK(read.fleet.deadline_ms == 30000);
  CHECK(read.fleet.offline_ms == 3000);
  CHECK(read.uplink == "float32");
  CHECK(read.downlink == "whole");
}

TEST_CASE("experiment: a data set experiment is read with every key", "[common][host][experiment]") {
  const Experiment read = parse_experiment(kImages, "x.toml").value();
  CHECK(read.seed == 1);
  CHECK(read.model.input == nn::Shape{14, 14, 1});
  CHECK(read.model.input_scale == std::vector<float>{0.06666666666666667F});
  const nn::LayerSpec& conv = read.model.layers[0].spec;
  CHECK(conv.units == 4);
  CHECK(conv.kernel_height == 3);
  CHECK(conv.kernel_width == 5);
  CHECK(conv.stride_width == 2);
  CHECK(conv.padding == nn::Padding::kSame);
  CHECK(read.model.layers[2].spec.stride_height == 2);
  CHECK(read.model.layers[3].spec.stride_height == 1);
  CHECK(read.model.layers[3].spec.stride_width == 2);
  CHECK_FALSE(read.model.layers[5].spec.train_bias);
  CHECK(read.task.source == TaskSource::kDataset);
  CHECK(read.task.dataset == "speech_1-x");
  CHECK(read.task.group == TaskGrouping::kClient);
  CHECK(read.task.fresh == TaskFreshness::kDevice);
  CHECK(read.task.rotations == 4);
  CHECK(read.task.query_size == 1);
  CHECK(read.meta.strategy == StrategyKind::kReptile);
  CHECK(read.meta.batch_size == 5);
  CHECK(read.evaluation.split == Split::kValidation);
  CHECK(read.evaluation.final_tasks == 9);
  CHECK(read.evaluation.query_size == 6);
  CHECK(read.evaluation.batch_size == 2);
  CHECK(read.evaluation.inner_learning_rate == 0.2F);
  CHECK(read.fleet.deadline_ms == 1000);
  CHECK(read.fleet.offline_ms == 500);
  CHECK(read.uplink == "int8");
  CHECK(make_network(read.model).output_size() == 5);
}

TEST_CASE("experiment: depthwise convolutions, groups, rational activations and global average pools",
          "[common][host][experiment]") {
  const std::string text = layered(R"(
  { type = "depthwise_conv2d", kernel = [3, 2], stride = [1, 2], padding = "same", gain = 0.5, trainable = "bias" },
  { type = "depthwise_conv2d", kernel = 2 },
  { type = "conv2d", kernel = 1, filters = 6 },
  { type = "group_norm", groups = 3, trainable = "weights" },
  { type = "rational", trainable = "bias" },
  { type = "global_average_pool" },
  { type = "dense", units = 5 },
)");
  const Experiment read = parse_experiment(text, "x.toml").value();
  const nn::LayerSpec& first = read.model.layers[0].spec;
  CHECK(first.kind == nn::LayerKind::kDepthwiseConv2d);
  CHECK((first.units == 0 && first.kernel_height == 3 && first.kernel_width == 2));
  CHECK((first.stride_height == 1 && first.stride_width == 2 && first.padding == nn::Padding::kSame));
  CHECK((!first.train_weights && first.train_bias));
  CHECK(read.model.layers[0].gain == 0.5F);
  CHECK(read.model.layers[1].spec.stride_width == 1);
  const nn::LayerSpec& rational = read.model.layers[4].spec;
  CHECK((rational.kind == nn::LayerKind::kRational && !rational.train_weights && rational.train_bias));
  CHECK(read.model.layers[5].spec.kind == nn::LayerKind::kGlobalAveragePool);
  const nn::LayerSpec& norm = read.model.layers[3].spec;
  CHECK((norm.kind == nn::LayerKind::kGroupNorm && norm.units == 3 && norm.train_weights && !norm.train_bias));
  CHECK_THAT(error_of(replaced(text, "kernel = 2 }", "kernel = 2, filters = 3 }")),
             Contains("[model] layers.1.filters: unknown key. Allowed: gain, initializer, kernel, padding, stride, "));
  CHECK_THAT(error_of(replaced(text, "kernel = 2 }", "kernel = 15 }")),
             Contains("the kernel is larger than its input"));
  CHECK_THAT(error_of(replaced(text, "_pool\" }", "_pool\", kernel = 2 }")),
             Contains("[model] layers.5.kernel: unknown key. Allowed: type"));
  CHECK_THAT(error_of(replaced(text, "\"rational\"", "\"rational\", initializer = \"zeros\"")),
             Contains("layers.4.initializer: unknown key. Allowed: trainable, type"));
  CHECK_THAT(error_of(replaced(text, "groups = 3", "groups = 4")),
             Contains("layers.3: groups must divide the channels"));
  CHECK_THAT(error_of(replaced(text, "groups = 3", "groups = 0")),
             Contains("layers.3.groups: 0 is not allowed, use 1..65535"));
  CHECK_THAT(
      error_of(replaced(text, "groups = 3", "gain = 2.0")),
      Contains("layers.3.groups: missing") && Contains("layers.3.gain: unknown key. Allowed: groups, trainable, type"));
}

TEST_CASE("experiment: fedavg keeps its rate unless a final one is given", "[common][host][experiment]") {
  const std::string fedavg = replaced(kSine, "\"tinyreptile\"", "\"fedavg\"");
  CHECK(parse_experiment(fedavg, "x.toml").value().meta.meta_learning_rate_final == 0.5);
  const auto falling = parse_experiment(fedavg, "x.toml", {{"meta.meta_learning_rate_final", "0.25"}});
  CHECK(falling.value().meta.meta_learning_rate_final == 0.25);
  CHECK_THAT(error_of(fedavg, {{"task.support_size", "65535"}, {"fleet.devices", "1000"}, {"meta.cohort", "17"}}),
             Contains("add up to 1114095, they must stay below 1048576"));
}

TEST_CASE("experiment: clipping", "[common][host][experiment]") {
  CHECK(parse_experiment(kSine, "x.toml").value().meta.clip_norm == 0);
  CHECK(parse_experiment(kSine, "x.toml", {{"meta.clip_norm", "0.5"}}).value().meta.clip_norm == 0.5);
  CHECK_THAT(error_of(kSine, {{"meta.clip_norm", "-1"}}), Contains("[meta] clip_norm: -1 is not allowed"));
}

TEST_CASE("experiment: rotations and validation classes", "[common][host][experiment]") {
  CHECK(parse_experiment(kImages, "x.toml").value().evaluation.rotations == 4);
  CHECK(parse_experiment(kImages, "x.toml", {{"evaluation.rotations", "1"}}).value().evaluation.rotations == 1);
  CHECK_THAT(error_of(kImages, {{"evaluation.rotations", "3"}}),
             Contains("[evaluation] rotations: 3 is not allowed, use 1 or 4"));
  CHECK_THAT(error_of(kSine, {{"evaluation.rotations", "1"}}), Contains("source = \"dataset\""));
  CHECK_THAT(error_of(kImages, {{"task.validation_classes", "3"}}), Contains("belongs to group = \"class\""));
  const auto read = parse_experiment(kImages, "x.toml", {{"task.group", "class"}, {"task.validation_classes", "3"}});
  CHECK(read.value().task.validation_classes == 3);
}

TEST_CASE("experiment: overrides change keys before the checks", "[common][host][experiment]") {
  const Experiment read = parse_experiment(kSine, "x.toml",
                                           {{"meta.rounds", "100"},
                                            {"name", "other-name"},
                                            {"model.layers.0.units", "64"},
                                            {"codec.uplink", "int8"},
                                            {"codec.downlink", "topk:0.01+ternary+ef"},
                                            {"task.input", "[-1, 1]"},
                                            {"seed", "9223372036854775807"}})
                              .value();
  CHECK(read.meta.rounds == 100);
  CHECK(read.name == "other-name");
  CHECK(read.model.layers[0].spec.units == 64);
  CHECK(read.uplink == "int8");
  CHECK(read.downlink == "topk:0.01+ternary+ef");
  CHECK(read.task.input_min == -1.0F);
  CHECK(read.seed == 9223372036854775807U);
  CHECK(error_of(kSine, {{"meta.passes", "0"}}) == "--set meta.passes=0: [meta] passes: 0 is not allowed, use 1..1024");
  CHECK_THAT(error_of(kSine, {{"meta.rounds", "x"}}),
             Contains("--set meta.rounds=x: [meta] rounds: wanted a whole number"));
  CHECK_THAT(error_of(kSine, {{"model.layers.7.units", "64"}}), Contains("model.layers has no entry 7, use 0..2"));
}

TEST_CASE("experiment: without a query set in training an evaluation has one all the same",
          "[common][host][experiment]") {
  const std::string text = std::regex_replace(kSine, std::regex("query_size = [0-9]+\n"), "");
  const auto read = parse_experiment(text, "sine.toml", {{"task.query_size", "0"}});
  REQUIRE(read.has_value());
  CHECK(read->task.query_size.is_none());
  CHECK(read->evaluation.query_size == 1);
}

TEST_CASE("experiment: the experiment files of the project are sound", "[common][host][experiment]") {
  const char* source = std::getenv("SKINK_SOURCE_DIR");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) / "experiments";
  if (!std::filesystem::is_directory(folder)) {
    WARN("no " << folder << ": set SKINK_SOURCE_DIR");
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const auto read = read_arms(entry.path().string());
    INFO((read ? std::string() : read.error().message));
    REQUIRE(read.has_value());
    for (const Arm& arm : *read) CHECK(arm.experiment.name == entry.path().stem().string());
  }
}
