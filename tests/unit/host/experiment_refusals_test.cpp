/// @file
/// What is wrong with an experiment is named: file, line, key, and what is allowed.

#include <algorithm>

#include <catch2/catch.hpp>

#include "experiment_texts.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;

TEST_CASE("experiment: wrong values name file, line, key and what is allowed", "[common][host][experiment]") {
  CHECK(sine_with("passes = 3", "passes = 0") == "x.toml:20: [meta] passes: 0 is not allowed, use 1..1024");
  CHECK_THAT(sine_with("\"sine\"", "\"Sine Wave\""), Contains("x.toml:1: name: \"Sine Wave\" is not allowed"));
  CHECK_THAT(sine_with("seed = 7", "seed = -1"), Contains("x.toml:2: seed: -1 is not allowed, use 0.."));
  CHECK_THAT(sine_with("rounds = 500", "rounds = \"many\""),
             Contains("[meta] rounds: wanted a whole number 1..1000000000, found the text \"many\""));
  CHECK_THAT(sine_with("inner_learning_rate = 0.01", "inner_learning_rate = 0"), Contains("use a number above 0"));
  CHECK_THAT(sine_with("\"tinyreptile\"", "\"maml\""), Contains("use \"tinyreptile\", \"reptile\", \"fedavg\", "));
  CHECK_THAT(images_with("rotations = 4", "rotations = 2"), Contains("2 is not allowed, use 1 or 4"));
  CHECK_THAT(images_with("input = [14, 14, 1]", "input = [14, 14, 1, 1]"), Contains("a list of 1..3"));
  CHECK_THAT(images_with("input = [14, 14, 1]", "input = [0]"), Contains("0 is not allowed, use 1..65535"));
  CHECK_THAT(images_with("input_scale = 0.06666666666666667", "input_scale = 0"),
             Contains("every input would be the same"));
  CHECK_THAT(
      images_with("\"int8\"", "\"int5\""),
      Contains("x.toml:44: [codec] uplink: \"int5\" is not a codec, at character 1: use [topk:FRACTION+] float32"));
  CHECK_THAT(images_with("uplink = \"int8\"", "downlink = \"part\""),
             Contains("[codec] downlink: \"part\" is not a codec, at character 1"));
  CHECK_THAT(images_with("uplink = \"int8\"", "downlink = \"float32\""),
             Contains("[codec] downlink: \"float32\" is as long as the model: use \"whole\""));
  CHECK_THAT(images_with("\"validation\"", "\"train\""), Contains("use \"test\" or \"validation\""));
  CHECK_THAT(images_with("\"speech_1-x\"", "\"../etc\""), Contains("[task] dataset: \"../etc\" is not allowed"));
  CHECK_THAT(images_with("kernel = 2,", "kernel = 300,"),
             Contains("[model] layers.3.kernel: 300 is not allowed, use 1..255"));
}

TEST_CASE("experiment: a key of another strategy is refused, with whose it is", "[common][host][experiment]") {
  CHECK(sine_with("passes = 3", "tau = 0.1") ==
        "x.toml:20: [meta] tau: belongs to strategy = \"fedadam\" or \"fedyogi\"");
  CHECK_THAT(sine_with("strategy = \"tinyreptile\"", "strategy = \"fedprox\"\nproximal = 100"),
             Contains("[meta] proximal: times inner_learning_rate it must be below 1"));
  CHECK_THAT(sine_with("\"tinyreptile\"", "\"central\""),
             Contains("[meta] cohort: strategy = \"central\" is one machine"));
  CHECK_THAT(sine_with("\"tinyreptile\"", "\"central\""),
             Contains("[meta] meta_learning_rate: strategy = \"central\""));
  CHECK_THAT(sine_with("\"tinyreptile\"", "\"central\""),
             Contains("[meta] strategy: \"central\" learns from the pooled records of a data set"));
  CHECK_THAT(images_with("strategy = \"reptile\"", "strategy = \"central\""),
             Contains("it needs [task] labels = \"fixed\""));
  CHECK_THAT(images_with("support_size = 3\n[meta]\nstrategy = \"reptile\"",
                         "support_size = 3\nquery_size = 0\n[meta]\nstrategy = \"fomaml\""),
             Contains("[task] query_size: strategy = \"fomaml\" learns from the query set"));
  CHECK_THAT(sine_with("passes = 3", "server_momentum = 0.5"), Contains("belongs to strategy = \"fedavgm\""));
  CHECK_THAT(sine_with("strategy = \"tinyreptile\"", "strategy = \"fedavgm\"\nbeta1 = 0.5"),
             Contains("[meta] beta1: belongs to strategy"));
  CHECK_THAT(sine_with("strategy = \"tinyreptile\"", "strategy = \"fedavgm\"\nserver_momentum = 1"),
             Contains("[meta] server_momentum: 1 is not allowed, use 0..0.9999"));
  CHECK_THAT(sine_with("strategy = \"tinyreptile\"", "strategy = \"fedyogi\"\ntau = 0"),
             Contains("[meta] tau: 0 is not allowed, use a number above 0, at most 100"));
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
  CHECK_THAT(sine_with("passes = 3", "pases = 3"),
             Contains("x.toml:20: [meta] pases: unknown key, did you mean passes? Allowed: batch_size, clip_factor, "
                      "clip_norm, cohort, "));
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
  CHECK_THAT(
      images_with("  { type = \"dense\", units = 5, initializer = \"zeros\", trainable = \"none\" },\n",
                  "  { type = \"dense\", units = 5 },\n  { type = \"relu\" },\n"),
      Contains("x.toml:6: [model] loss: a loss that tells classes apart must follow a layer without activation"));
}

TEST_CASE("experiment: a model that does not fit its tasks is refused", "[common][host][experiment]") {
  CHECK_THAT(sine_with("input = [1]", "input = [2]"), Contains("\"kinks\" is for dense layers with one input"));
  CHECK_THAT(sine_with("units = 1,", "units = 2,"), Contains("needs 1 output, the last layer gives 2"));
  CHECK_THAT(
      error_of(replaced(replaced(kSine, "units = 1,", "units = 2,"), "mean_squared_error", "softmax_cross_entropy")),
      Contains("x.toml:5: [model] loss: the task's source \"sine\" needs \"mean_squared_error\""));
  CHECK_THAT(images_with("softmax_cross_entropy", "mean_squared_error"),
             Contains("[task] labels: belongs to a loss that tells classes apart"));
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

TEST_CASE("experiment: a missing file is an error, and value() throws its message", "[common][host][experiment]") {
  const Result<Experiment> read = read_experiment("none/x.toml");
  REQUIRE(read.has_error());
  CHECK_THAT(read.error().message, Contains("none/x.toml: cannot be read"));
  CHECK(read.error().code.message() == "not available");
  CHECK(std::string(read.error().code.category().name()) == "skink");
  CHECK_THROWS_WITH(read.value(), Contains("none/x.toml: cannot be read"));
}

TEST_CASE("experiment: a kind that is not known is the one problem, without those of other kinds",
          "[host][experiment]") {
  const auto lines = [](const std::string& message) { return std::count(message.begin(), message.end(), '\n') + 1; };
  std::string message = test::images_with("type = \"conv2d\"", "type = \"conv3d\"");
  CHECK(message.find("[model] layers.0.type: \"conv3d\" is not allowed") != std::string::npos);
  CHECK(lines(message) == 1);
  message = test::images_with("type = \"conv2d\", ", "");  // absent
  CHECK(message.find("[model] layers.0.type: missing") != std::string::npos);
  CHECK(lines(message) == 1);
  message = test::sine_with("initializer = \"kinks\"", "initializer = \"knicks\"");
  CHECK(message.find("\"knicks\" is not allowed") != std::string::npos);
  CHECK(lines(message) == 1);
  message = test::images_with("source = \"dataset\"", "source = \"datset\"");
  CHECK(message.find("[task] source: \"datset\" is not allowed") != std::string::npos);
  CHECK(lines(message) == 1);
  message = test::sine_with("source = \"sine\"", "source = \"sinus\"");
  CHECK(lines(message) == 1);
  CHECK(lines(test::sine_with("type = \"relu\"", "type = \"relo\", units = 3, what = 4")) == 1);
}

TEST_CASE("experiment: persistence is for forecasts", "[common][host][experiment]") {
  CHECK_THAT(images_with("ways = 5\n", "ways = 5\npersistence = 0\n"),
             Contains("[task] persistence: belongs to loss = \"mean_squared_error\""));
  CHECK_THAT(sine_with("query_size = 20\n", "query_size = 20\npersistence = 0\n"),
             Contains("[task] persistence: belongs to source = \"dataset\""));
}

TEST_CASE("experiment: a network that is none is said with its place, also where all classes count",
          "[common][host][experiment]") {
  for (const char* layers : {"{ type = \"dense\", units = 4 }", "{ type = \"relu\" }, { type = \"flatten\" }"}) {
    std::string broken = layered(layers);
    for (const char* key : {"labels = \"permuted\"\n", "ways = 5\n", "group = \"client\"\n", "rotations = 4\n"}) {
      broken = replaced(broken, key, "");
    }
    CHECK_THAT(error_of(broken), Contains("x.toml:") && Contains("[model] layers.0: "));
  }
}

TEST_CASE("experiment: a query set has the normal class and the others", "[common][host][experiment]") {
  Experiment experiment;
  experiment.model.loss = nn::Loss::kReconstruction;
  experiment.task.support_size = 3;
  experiment.evaluation.query_size = 4;
  CHECK(evaluation_query_samples(experiment) == 4);
  experiment.task.normal = "fine";
  CHECK(evaluation_query_samples(experiment) == 8);
  CHECK(support_samples(experiment) == 3);
}
