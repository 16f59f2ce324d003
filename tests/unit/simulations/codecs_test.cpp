/// @file
/// Bytes on the network of whole runs, and codecs beside one another.

#include <catch2/catch.hpp>

#include "learning/wire_counter.hpp"
#include "skink/host/files/files.hpp"
#include "skink/simulations/codecs.hpp"
#include "skink/simulations/run.hpp"
#include "temporary_folder.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

constexpr const char* kSine = R"(
name = "codecs"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 16 }, { type = "relu" }, { type = "dense", units = 16 }, { type = "tanh" }, { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 8
[meta]
strategy = "tinyreptile"
rounds = 40
cohort = 4
inner_learning_rate = 0.01
meta_learning_rate = 0.5
[evaluation]
every = 10
tasks = 8
[fleet]
devices = 12
held_out = 2
)";

Experiment sine(const std::vector<Override>& overrides = {}) {
  const auto parsed = parse_experiment(kSine, "codecs.toml", overrides);
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

RunResult counted(const Experiment& experiment, RunOptions options = {}) {
  options.experiment = experiment;
  options.counts_wire = true;
  options.threads = 1;
  const auto result = run_learning(options);
  if (!result) FAIL(result.error().message);
  return *result;
}

bool same(const std::vector<WireRow>& a, const std::vector<WireRow>& b) { return wire_csv(a) == wire_csv(b); }

}  // namespace

TEST_CASE("wire counts: the changes are as long as those that devices send", "[simulation][wire]") {
  const char* const uplink = GENERATE("float32", "eden:1+ef", "topk:0.05+ternary+range+ef", "int4:block+range");
  const char* const downlink = GENERATE("whole", "topk:0.1+int8:nearest+range+ef");
  const Experiment experiment = sine({{"codec.uplink", uplink}, {"codec.downlink", downlink}});
  std::uint64_t sent = 0;
  RunOptions options;
  options.experiment = experiment;
  options.on_update = [&sent](const coordinator::TakenUpdate& update) { sent += update.change.size(); };
  REQUIRE(run_protocol(options).has_value());
  const RunResult result = counted(experiment);
  REQUIRE(result.wire.size() == 5);  // before the first round, and after every tenth
  CHECK(result.wire.front().totals == WireTotals());
  const WireTotals& all = result.wire.back().totals;
  CHECK(all.rounds == 40);
  CHECK(all.device_rounds == 160);
  CHECK(all.encoded_bytes == sent);
  CHECK(all.up_bytes > sent);
  CHECK(result.wire.back().loss_after == result.evaluations.back().loss_after());
}

TEST_CASE("wire counts: they are the same on any number of threads, and with neurons in the lanes",
          "[simulation][wire]") {
  const Experiment experiment = sine({{"codec.uplink", "topk:0.05+ternary+ef"}, {"codec.downlink", "eden:1+ef"}});
  const RunResult one = counted(experiment);
  RunOptions options;
  options.lanes = Lanes::kNeuron;
  CHECK(same(counted(experiment, options).wire, one.wire));
  options.experiment = experiment;
  options.lanes = Lanes::kDevice;
  options.counts_wire = true;
  options.threads = 3;
  CHECK(same(run_learning(options)->wire, one.wire));
}

TEST_CASE("wire counts: a device-round is what wire_cost says", "[simulation][wire]") {
  Experiment experiment = sine({{"codec.downlink", "eden:1"}});
  WireCounter counter(experiment);
  DeviceRound whole = device_round_of(experiment);
  whole.encoded_bytes = 700;
  counter.count_round({4, 7}, {700, 700});
  counter.add_patch(50);
  const WireBytes once = device_round_cost(whole).total();
  CHECK(counter.totals() == WireTotals{1, 2, 1400, 2 * once.up, 2 * once.down});
  counter.count_round({1}, {700});
  counter.add_patch(60);
  DeviceRound patched = whole;
  patched.fetches.clear();
  patched.patch_bytes =
      1 + 6 + 1 + 1 + 1 + 50 + 1 + 60;  // the name, the mask, the first round, both patches and their lengths
  counter.count_round({7}, {700});
  const WireBytes two = device_round_cost(patched).total();
  CHECK(counter.totals() == WireTotals{3, 4, 2800, 3 * once.up + two.up, 3 * once.down + two.down});
  const WireCounter::State state = counter.state();
  WireCounter restored(experiment);
  REQUIRE(restored.restore(state));
  counter.add_patch(70);
  restored.add_patch(70);
  counter.count_round({4, 1, 7}, {700, 700, 0});
  restored.count_round({4, 1, 7}, {700, 700, 0});
  CHECK(restored.totals() == counter.totals());
  WireCounter::State wrong = state;
  wrong.models.pop_back();
  CHECK_FALSE(restored.restore(wrong));
  wrong = state;
  wrong.models[0] = 9;
  CHECK_FALSE(restored.restore(wrong));
}

TEST_CASE("wire counts: a run that was stopped goes on with them", "[simulation][wire]") {
  const Experiment experiment = sine({{"codec.uplink", "topk:0.05+ternary+ef"}, {"codec.downlink", "eden:1+ef"}});
  const test::TemporaryFolder folder;
  RunOptions options;
  options.out_dir = folder.path();
  options.experiment_id = "this one";
  std::uint32_t rounds = 0;
  options.on_progress = [&rounds](const Progress& progress) { rounds = progress.rounds_done; };
  options.stop = [&rounds] { return rounds == 23; };
  REQUIRE_FALSE(counted(experiment, options).finished);
  options.stop = {};
  const RunResult continued = counted(experiment, options);
  CHECK(continued.continued_after == 23);
  CHECK(same(continued.wire, counted(experiment).wire));
  const auto read = read_wire(wire_path(folder.path()));
  REQUIRE(read.has_value());
  CHECK(same(*read, continued.wire));

  // Of a run that does not count them, none can be gone on with.
  options.experiment = experiment;
  options.threads = 1;
  options.restarts = true;
  rounds = 0;
  options.stop = [&rounds] { return rounds == 23; };
  REQUIRE_FALSE(run_learning(options)->finished);
  options.restarts = false;
  options.counts_wire = true;
  const auto refused = run_learning(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("is of a run whose bytes were not counted") != std::string::npos);
}

TEST_CASE("wire counts: a damaged file is refused", "[simulation][wire]") {
  const test::TemporaryFolder folder;
  const std::string text = wire_csv({{{1, 2, 3, 4, 5}, 0.25, 0.5}});
  REQUIRE(write_file(folder.file("wire.csv"), text).has_value());
  CHECK(read_wire(folder.file("wire.csv"))->front().totals == WireTotals{1, 2, 3, 4, 5});
  for (const std::string& wrong : {text.substr(1), text.substr(0, text.size() - 5), text + "x\n"}) {
    REQUIRE(write_file(folder.file("wire.csv"), wrong).has_value());
    CHECK_FALSE(read_wire(folder.file("wire.csv")).has_value());
  }
}

TEST_CASE("codecs: choices are an uplink, or an uplink and a downlink", "[simulation][codecs]") {
  const auto choices = parse_choices({"float32", "eden:1/eden:1+ef"});
  REQUIRE(choices.has_value());
  CHECK((choices->at(0).uplink == "float32" && choices->at(0).downlink == "whole"));
  CHECK((choices->at(1).uplink == "eden:1" && choices->at(1).downlink == "eden:1+ef"));
  CHECK(choices->at(1).name() == "eden:1/eden:1+ef");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"/eden:1"}, {"eden:1/"}, {"a/b/c"}, {""}, {"int8", "int8/whole"}}) {
    CHECK_FALSE(parse_choices(wrong).has_value());
  }
}

TEST_CASE("codecs: a table, a plot, and what is there is not computed again", "[simulation][codecs]") {
  const test::TemporaryFolder folder;
  REQUIRE(write_file(folder.file("sine.toml"), std::string(kSine)).has_value());
  CodecsOptions options;
  options.sweep.experiment_file = folder.file("sine.toml");
  options.sweep.overrides = {{"meta.rounds", "60"}};
  options.sweep.out_dir = folder.path();
  options.sweep.seeds = {1, 2};
  options.sweep.threads = 2;
  options.choices = *parse_choices({"float32", "int8", "eden:1/eden:1+ef"});
  options.encode_instructions = {{"int8", 67926}};
  const auto first = compare_codecs(options);
  if (!first) FAIL(first.error().message);
  REQUIRE(first->is_complete);
  REQUIRE(first->written.has_value());
  REQUIRE(first->rows.size() == 3);
  const CodecRow& plain = first->rows[0];
  const CodecRow& patched = first->rows[2];
  CHECK(plain.encoded_bytes == 4 * 321);
  CHECK(plain.reached >= 1);
  CHECK(plain.rounds_to_target <= 60);
  CHECK(patched.up_bytes < first->rows[1].up_bytes);
  CHECK(patched.down_bytes < plain.down_bytes);
  CHECK(patched.curve.size() == 7);
  const std::string table = codecs_table(*first, options.encode_instructions);
  CHECK(table.find("| int8 | whole |") != std::string::npos);
  CHECK(table.find("67,926") != std::string::npos);
  CHECK(*read_file(folder.file("codecs.md")) == table);
  const std::string plot = *read_file(folder.file("codecs.svg"));
  CHECK(plot.find("eden:1/eden:1+ef") != std::string::npos);
  CHECK((plot.find("nan") == std::string::npos && plot.find("inf") == std::string::npos));
  const auto again = compare_codecs(options);
  REQUIRE(again.has_value());
  CHECK(again->sweep.found == 6);
  CHECK(codecs_table(*again, options.encode_instructions) == table);
  options.choices = *parse_choices({"float32", "int9"});
  CHECK_FALSE(compare_codecs(options).has_value());
  options.sweep.overrides = {{"evaluation.every", "0"}};
  options.choices = usual_choices();
  const auto refused = compare_codecs(options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("[evaluation] every: use 1 or more") != std::string::npos);
}
