#include "skink/host/experiment/experiment.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "temporary_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;

namespace {

const std::string kSine = R"(name = "sine"
seed = 7
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 8, initializer = "kinks", slopes = [0.1, 0.6], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 1, gain = 0.5, trainable = "bias" },
]
[task]
source = "sine"
support_size = 10
query_size = 20
[meta]
strategy = "tinyreptile"
rounds = 500
cohort = 4
inner_learning_rate = 0.01
passes = 3
meta_learning_rate = 0.5
[evaluation]
every = 100
tasks = 8
[fleet]
devices = 10
held_out = 2
)";

const std::string kImages = R"(name = "images"
[model]
input = [14, 14, 1]
input_scale = 0.06666666666666667
input_offset = -0.5
loss = "softmax_cross_entropy"
layers = [
  { type = "conv2d", filters = 4, kernel = [3, 5], stride = 2, padding = "same" },
  { type = "relu" },
  { type = "max_pool", kernel = 2 },
  { type = "average_pool", kernel = 2, stride = [1, 2] },
  { type = "flatten" },
  { type = "dense", units = 5, initializer = "zeros", trainable = "none" },
]
[task]
source = "dataset"
dataset = "speech_1-x"
ways = 5
group = "client"
rotations = 4
fresh = "device"
support_size = 3
[meta]
strategy = "reptile"
rounds = 10
inner_learning_rate = 0.1
batch_size = 5
[evaluation]
tasks = 4
final_tasks = 9
split = "validation"
support_size = 2
query_size = 6
passes = 8
batch_size = 2
inner_learning_rate = 0.2
[fleet]
devices = 3
held_out = 1
deadline_ms = 1000
offline_ms = 500
[codec]
uplink = "int8"
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// kImages with another list of layers.
std::string layered(const std::string& layers) {
  const std::string text = kImages;
  const std::size_t begin = text.find("layers = [");
  const std::size_t end = text.find("]\n[task]");
  return text.substr(0, begin) + "layers = [" + layers + text.substr(end);
}

std::string error_of(const std::string& text, const std::vector<Override>& overrides = {}) {
  const Result<Experiment> experiment = parse_experiment(text, "x.toml", overrides);
  if (experiment) return "";
  CHECK(experiment.error().code == Status::kInvalidArgument);
  return experiment.error().message;
}

std::string sine_with(const std::string& from, const std::string& to) { return error_of(replaced(kSine, from, to)); }
std::string images_with(const std::string& from, const std::string& to) {
  return error_of(replaced(kImages, from, to));
}

}  // namespace

TEST_CASE("experiment: a sine experiment is read with its defaults", "[common][host][experiment]") {
  const Experiment read = parse_experiment(kSine, "x.toml").value();
  CHECK(read.name == "sine");
  CHECK(read.seed == 7);
  CHECK(read.model.input == nn::Shape{1, 1, 1});
  CHECK(read.model.input_scale == 1.0F);
  CHECK(read.model.input_offset == 0.0F);
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
  CHECK(read.model.input_scale == 0.06666666666666667F);
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

TEST_CASE("experiment: wrong values name file, line, key and what is allowed", "[common][host][experiment]") {
  CHECK(sine_with("passes = 3", "passes = 0") == "x.toml:20: [meta] passes: 0 is not allowed, use 1..1024");
  CHECK_THAT(sine_with("\"sine\"", "\"Sine Wave\""), Contains("x.toml:1: name: \"Sine Wave\" is not allowed"));
  CHECK_THAT(sine_with("seed = 7", "seed = -1"), Contains("x.toml:2: seed: -1 is not allowed, use 0.."));
  CHECK_THAT(sine_with("rounds = 500", "rounds = \"many\""),
             Contains("[meta] rounds: wanted a whole number 1..1000000000, found the text \"many\""));
  CHECK_THAT(sine_with("inner_learning_rate = 0.01", "inner_learning_rate = 0"), Contains("use a number above 0"));
  CHECK_THAT(sine_with("\"tinyreptile\"", "\"maml\""), Contains("use \"tinyreptile\", \"reptile\" or \"fedavg\""));
  CHECK_THAT(images_with("rotations = 4", "rotations = 2"), Contains("2 is not allowed, use 1 or 4"));
  CHECK_THAT(images_with("input = [14, 14, 1]", "input = [14, 14]"), Contains("[n] or [height, width, channels]"));
  CHECK_THAT(images_with("input = [14, 14, 1]", "input = [0]"), Contains("0 is not allowed, use 1..65535"));
  CHECK_THAT(images_with("input_scale = 0.06666666666666667", "input_scale = 0"),
             Contains("every input would be the same"));
  CHECK_THAT(
      images_with("\"int8\"", "\"int5\""),
      Contains("x.toml:43: [codec] uplink: \"int5\" is not a codec, at character 1: use [topk:FRACTION+] float32"));
  CHECK_THAT(images_with("uplink = \"int8\"", "downlink = \"part\""),
             Contains("[codec] downlink: \"part\" is not a codec, at character 1"));
  CHECK_THAT(images_with("uplink = \"int8\"", "downlink = \"float32\""),
             Contains("[codec] downlink: \"float32\" is as long as the model: use \"whole\""));
  CHECK_THAT(images_with("\"validation\"", "\"train\""), Contains("use \"test\" or \"validation\""));
  CHECK_THAT(images_with("\"speech_1-x\"", "\"../etc\""), Contains("[task] dataset: \"../etc\" is not allowed"));
  CHECK_THAT(images_with("kernel = 2,", "kernel = 300,"),
             Contains("[model] layers.3.kernel: 300 is not allowed, use 1..255"));
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
  CHECK_THAT(error_of(kSine, {{"evaluation.rotations", "1"}}), Contains("belongs to source = \"dataset\""));
  CHECK_THAT(error_of(kImages, {{"task.validation_classes", "3"}}), Contains("belongs to group = \"class\""));
  const auto read = parse_experiment(kImages, "x.toml", {{"task.group", "class"}, {"task.validation_classes", "3"}});
  CHECK(read.value().task.validation_classes == 3);
}

TEST_CASE("experiment: missing keys and tables are named", "[common][host][experiment]") {
  CHECK_THAT(sine_with("rounds = 500\n", ""), Contains("x.toml:15: [meta] rounds: missing, wanted a whole number"));
  CHECK_THAT(sine_with("name = \"sine\"\n", ""), Contains("x.toml:1: name: missing"));
  CHECK_THAT(sine_with("[fleet]\ndevices = 10\nheld_out = 2\n", ""), Contains("[fleet]: missing, wanted a table"));
  CHECK_THAT(images_with("filters = 4, ", ""), Contains("x.toml:8: [model] layers.0.filters: missing"));
  CHECK_THAT(images_with("ways = 5\n", ""), Contains("[task] ways: missing, wanted a whole number 2..256"));
  const std::string nothing = error_of("");
  for (const char* key : {"name", "[model]", "[task]", "[meta]", "[fleet]"}) {
    CHECK_THAT(nothing, Contains(std::string(key) + ": missing"));
  }
}

TEST_CASE("experiment: unknown keys, tables and layers are errors that list the allowed ones",
          "[common][host][experiment]") {
  CHECK_THAT(
      sine_with("passes = 3", "pases = 3"),
      Contains("x.toml:20: [meta] pases: unknown key, did you mean passes? Allowed: batch_size, clip_norm, cohort, "));
  CHECK_THAT(sine_with("[fleet]", "[flet]"), Contains("[flet]: unknown table, did you mean fleet?"));
  CHECK_THAT(sine_with("{ type = \"relu\" }", "{ type = \"gelu\" }"),
             Contains("x.toml:8: [model] layers.1.type: \"gelu\" is not allowed, use \"dense\", "));
  CHECK_THAT(sine_with("{ type = \"relu\" }", "{ type = \"relu\", units = 3 }"),
             Contains("[model] layers.1.units: unknown key. Allowed: type"));
  CHECK_THAT(sine_with("{ type = \"relu\" }", "\"relu\""),
             Contains("layers.1: wanted a table, found the text \"relu\""));
}

TEST_CASE("experiment: keys of another source or initializer are refused", "[common][host][experiment]") {
  CHECK_THAT(sine_with("support_size = 10", "support_size = 10\nways = 5"),
             Contains("[task] ways: belongs to source = \"dataset\""));
  CHECK_THAT(images_with("ways = 5", "ways = 5\nphase = [0, 1]"),
             Contains("[task] phase: belongs to source = \"sine\""));
  CHECK_THAT(sine_with("slopes = ", "gain = 1.0, slopes = "), Contains("layers.0.gain: belongs to initializer"));
  CHECK_THAT(sine_with("gain = 0.5", "slopes = [0, 1]"),
             Contains("layers.2.slopes: belongs to initializer = \"kinks\""));
}

TEST_CASE("experiment: layers that are no network are refused at their line", "[common][host][experiment]") {
  CHECK(images_with("  { type = \"flatten\" },\n", "") ==
        "x.toml:12: [model] layers.4: dense takes a flat input: put flatten before it");
  CHECK_THAT(images_with("kernel = [3, 5], stride = 2, padding = \"same\"", "kernel = 15"),
             Contains("x.toml:8: [model] layers.0: the kernel is larger than its input"));
  CHECK_THAT(sine_with("{ type = \"relu\" }",
                       "{ type = \"dense\", units = 4, initializer = \"kinks\", "
                       "slopes = [0, 1], inputs = [0, 1] }"),
             Contains("x.toml:8: [model] layers.1.initializer: \"kinks\" is for dense layers with one input"));
  std::string many;
  for (std::size_t i = 0; i <= nn::kMaxLayers; ++i) many += "{ type = \"flatten\" },";
  CHECK_THAT(sine_with("{ type = \"relu\" },", many), Contains("[model] layers: wanted a list of 1..16 tables"));
  CHECK_THAT(images_with("  { type = \"dense\", units = 5, initializer = \"zeros\", trainable = \"none\" },\n",
                         "  { type = \"dense\", units = 5 },\n  { type = \"relu\" },\n"),
             Contains("x.toml:6: [model] loss: softmax_cross_entropy must follow a layer without activation"));
}

TEST_CASE("experiment: a model that does not fit its tasks is refused", "[common][host][experiment]") {
  CHECK_THAT(sine_with("input = [1]", "input = [2]"), Contains("\"kinks\" is for dense layers with one input"));
  CHECK_THAT(sine_with("units = 1,", "units = 2,"), Contains("needs 1 output, the last layer gives 2"));
  CHECK_THAT(
      error_of(replaced(replaced(kSine, "units = 1,", "units = 2,"), "mean_squared_error", "softmax_cross_entropy")),
      Contains("x.toml:5: [model] loss: the task's source \"sine\" needs \"mean_squared_error\""));
  CHECK_THAT(images_with("softmax_cross_entropy", "mean_squared_error"),
             Contains("[model] loss: the task's source \"dataset\" needs \"softmax_cross_entropy\""));
  CHECK_THAT(images_with("ways = 5", "ways = 6"), Contains("the last layer gives 5 outputs, but [task] ways is 6"));
}

TEST_CASE("experiment: sizes that contradict each other are refused", "[common][host][experiment]") {
  CHECK_THAT(sine_with("cohort = 4", "cohort = 9"),
             Contains("x.toml:18: [meta] cohort: 9 is more than the devices that train, use 1..8"));
  CHECK_THAT(sine_with("held_out = 2", "held_out = 10"),
             Contains("[fleet] held_out: 10 of 10 devices leave none to train"));
  CHECK_THAT(sine_with("held_out = 2", "held_out = 0"), Contains("[fleet] held_out: 0 is not allowed"));
  CHECK_THAT(sine_with("tasks = 8\n", ""), Contains("[evaluation] every: evaluating every 100 rounds needs tasks"));
  // What every device would refuse is refused here.
  CHECK_THAT(sine_with("passes = 3", "passes = 3\nbatch_size = 1025"),
             Contains("[meta] batch_size: 1025 is not allowed, use 1..1024"));
  CHECK_THAT(sine_with("passes = 3", "passes = 1025"), Contains("[meta] passes: 1025 is not allowed, use 1..1024"));
  CHECK_THAT(sine_with("passes = 3", "passes = 3\nbatch_size = 2"),
             Contains("[meta] batch_size: strategy = \"tinyreptile\""));
  const std::string without =
      replaced(replaced(kSine, "[evaluation]\nevery = 100\ntasks = 8\n", ""), "held_out = 2\n", "");
  CHECK(error_of(without).empty());
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

TEST_CASE("experiment: the experiment files of the project are sound", "[common][host][experiment]") {
  const char* source = std::getenv("SKINK_SOURCE_DIR");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) / "experiments";
  if (!std::filesystem::is_directory(folder)) {
    WARN("no " << folder << ": set SKINK_SOURCE_DIR");
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const Result<Experiment> read = read_experiment(entry.path().string());
    INFO((read ? std::string() : read.error().message));
    REQUIRE(read.has_value());
    CHECK(read->name == entry.path().stem().string());
  }
}

TEST_CASE("experiment: a missing file is an error, and value() throws its message", "[common][host][experiment]") {
  const Result<Experiment> read = read_experiment("none/x.toml");
  REQUIRE(read.has_error());
  CHECK_THAT(read.error().message, Contains("none/x.toml: cannot be read"));
  CHECK(read.error().code.message() == "not available");
  CHECK(std::string(read.error().code.category().name()) == "skink");
  CHECK_THROWS_WITH(read.value(), Contains("none/x.toml: cannot be read"));
}
