/// @file
/// What a product gives the client is checked before it is computed with: labels, and the alignment of the arena.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "fakes/client_bench.hpp"
#include "skink/edge/task_runner.hpp"

using namespace skink;
using namespace skink::test;
using edge::SampleSet;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Three labels.
BenchOptions classifier() {
  BenchOptions options;
  options.net = {{1, 1, 2}, {dense(6), relu(), dense(3)}, nn::Loss::kSoftmaxCrossEntropy};
  return options;
}

/// The target of the last sample of `set` is `target`.
void spoil(ClientBench& bench, SampleSet set, float target) {
  const std::uint32_t last =
      (set == SampleSet::kSupport ? bench.samples.counts.support : bench.samples.counts.query) - 1;
  bench.samples.change_target = [set, last, target](SampleSet of, std::uint32_t index, float wanted) {
    return of == set && index == last ? target : wanted;
  };
}

std::uint32_t refused(const ClientBench& bench) {
  return bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kNoData)];
}

}  // namespace

TEST_CASE("client: a label that is no output of the model refuses the task before it is trained on",
          "[edge][client][labels]") {
  ClientBench bench(classifier());
  bench.samples.replayable = GENERATE(true, false);
  bench.restart();
  const float label = GENERATE(-1.0F, -0.5F, 0.5F, 1.9999F, 3.0F, 1e9F, 1e30F, -1e30F, kNan, kInfinity, -kInfinity);
  CAPTURE(label);
  spoil(bench, SampleSet::kSupport, label);
  wire::Task task = bench.task();
  task.batch_size = GENERATE(1U, 4U);
  const std::vector<Sent> sent = bench.run_task(task);
  CHECK(bench.refusal(sent).refusal == wire::Refusal::kNoData);
  CHECK(refused(bench) == 1);
  CHECK(bench.client->counters().diverged == 0);
  CHECK(bench.client->weights() == edge::Weights::kNone);
}

TEST_CASE("client: a query label that is no output of the model refuses the evaluation", "[edge][client][labels]") {
  ClientBench bench(classifier());
  bench.samples.replayable = GENERATE(true, false);
  bench.restart();
  spoil(bench, SampleSet::kQuery, GENERATE(-1.0F, 0.5F, 3.0F, kNan));
  CHECK(bench.refusal(bench.run_task(bench.evaluation())).refusal == wire::Refusal::kNoData);
}

TEST_CASE("client: every label that is an output of the model is taken", "[edge][client][labels]") {
  ClientBench bench(classifier());
  spoil(bench, SampleSet::kSupport, GENERATE(0.0F, -0.0F, 1.0F, 2.0F));
  const std::vector<Sent> sent = bench.run_task(bench.task());
  CHECK_FALSE(bench.change(sent).empty());
  CHECK(refused(bench) == 0);
}

TEST_CASE("client: a wanted value that is not finite is no divergence", "[edge][client][labels]") {
  ClientBench bench;  // the sine net, a regression
  const float wanted = GENERATE(as<float>{}, kNan, kInfinity, -kInfinity);
  CAPTURE(wanted);
  spoil(bench, SampleSet::kSupport, wanted);
  CHECK(bench.refusal(bench.run_task(bench.task())).refusal == wire::Refusal::kNoData);
  CHECK(bench.client->counters().diverged == 0);
  ClientBench evaluating;
  spoil(evaluating, SampleSet::kQuery, wanted);
  CHECK(evaluating.refusal(evaluating.run_task(evaluating.evaluation())).refusal == wire::Refusal::kNoData);
}

TEST_CASE("client: an arena that is not aligned is used, and announced, from its first aligned byte on",
          "[edge][client][arena]") {
  ClientBench bench;
  alignas(8) std::uint8_t memory[65536];
  const std::size_t skipped = GENERATE(0U, 1U, 2U, 3U);
  std::memset(memory, 0xa5, sizeof memory);
  edge::ClientConfig config;
  config.identity = bench.identity;
  config.arena = MutableBytes(memory).subspan(skipped);
  bench.client = std::make_unique<edge::Client>(
      config, edge::Platform{bench.slot.source(), bench.samples.source(), bench.residuals.store()});
  bench.connect();
  for (const Sent& sent : bench.pump()) {
    if (sent.topic != wire::TopicKind::kState) continue;
    wire::State state{};
    REQUIRE(wire::decode_state(view(sent.payload), bench.identity, state) == Status::kOk);
    CHECK(state.arena_bytes == sizeof memory - (skipped + 3) / 4 * 4);
  }
  const Message change = bench.change(bench.run_task(bench.task()));
  ClientBench aligned;
  CHECK(change == aligned.change(aligned.run_task(aligned.task())));
  for (std::size_t i = 0; i < (skipped + 3) / 4 * 4; ++i) CHECK(memory[i] == 0xa5);
}

TEST_CASE("client: an arena shorter than the bytes to its first aligned one is empty", "[edge][client][arena]") {
  ClientBench bench;
  alignas(4) std::uint8_t memory[4] = {};
  edge::ClientConfig config;
  config.identity = bench.identity;
  config.arena = MutableBytes(memory).subspan(1, 2);
  bench.client = std::make_unique<edge::Client>(
      config, edge::Platform{bench.slot.source(), bench.samples.source(), bench.residuals.store()});
  CHECK(bench.refusal(bench.run_task(bench.task())).refusal == wire::Refusal::kDoesNotFit);
}

TEST_CASE("task runner: an arena that is not aligned is an invalid argument", "[edge][arena]") {
  ClientBench bench;
  model::ModelInfo info;
  FakeSlot slot{bench.model.file};
  REQUIRE(model::inspect(slot.source(), info) == Status::kOk);
  alignas(4) static std::uint8_t memory[65536];
  edge::TaskSettings settings;
  settings.inner_learning_rate = 0.01F;
  edge::TaskRunner runner;
  for (std::size_t skipped = 0; skipped <= 4; ++skipped) {
    const MutableBytes arena = MutableBytes(memory).subspan(skipped);
    const Status expected = skipped % 4 == 0 ? Status::kOk : Status::kInvalidArgument;
    CHECK(runner.begin(info, slot.source(), bench.samples.source(), settings, arena) == expected);
    CHECK(edge::TaskRunner().load_weights(info, slot.source(), arena) == expected);
  }
}

TEST_CASE("model patch: memory that is not aligned is an invalid argument", "[edge][patch][arena]") {
  ClientBench bench;
  model::ModelInfo info;
  FakeSlot slot{bench.model.file};
  REQUIRE(model::inspect(slot.source(), info) == Status::kOk);
  alignas(4) static std::uint8_t memory[65536];
  const std::uint8_t head[] = {4, 'i', 'n', 't', '8', 0};
  for (std::size_t skipped = 0; skipped < 4; ++skipped) {
    edge::ModelPatch patch;
    patch.begin(info, slot.source(), 1, MutableBytes(memory).subspan(skipped));
    CHECK(patch.add(Bytes(head)) == (skipped == 0 ? Status::kOk : Status::kInvalidArgument));
  }
}

TEST_CASE("client: a sample source without a callback refuses every task, and is never called",
          "[edge][client][samples]") {
  ClientBench bench;
  edge::SampleSource samples = bench.samples.source();
  switch (GENERATE(0, 1, 2, 3)) {
    case 0: samples.begin = nullptr; break;
    case 1: samples.input = nullptr; break;
    case 2: samples.target = nullptr; break;
    default: samples = {}; break;
  }
  CHECK_FALSE(samples.is_complete());
  std::vector<float> arena(16384);
  edge::ClientConfig config;
  config.identity = bench.identity;
  config.arena = {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)};
  bench.client =
      std::make_unique<edge::Client>(config, edge::Platform{bench.slot.source(), samples, bench.residuals.store()});
  CHECK(bench.refusal(bench.run_task(bench.task(0))).refusal == wire::Refusal::kNoData);
  CHECK(bench.refusal(bench.run_task(bench.evaluation(1))).refusal == wire::Refusal::kNoData);
  CHECK(refused(bench) == 2);
}

TEST_CASE("task runner: a sample source without a callback is unavailable", "[edge][samples]") {
  ClientBench bench;
  model::ModelInfo info;
  FakeSlot slot{bench.model.file};
  REQUIRE(model::inspect(slot.source(), info) == Status::kOk);
  edge::TaskSettings settings;
  settings.inner_learning_rate = 0.01F;
  edge::SampleSource samples = bench.samples.source();
  samples.target = nullptr;
  std::vector<float> arena(16384);
  edge::TaskRunner runner;
  CHECK(runner.begin(info, slot.source(), samples, settings,
                     {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)}) ==
        Status::kUnavailable);
  CHECK(runner.step() == edge::Progress::kDone);
}
