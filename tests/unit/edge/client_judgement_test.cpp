/// @file
/// What a device's own samples say of a release, and that predict() does as they say.

#include "fakes/release_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ClientState;
using edge::Weights;
using wire::ReleaseUse;

namespace {

using Floats = std::vector<float>;

Floats stored_input(const ClientBench& bench) {
  Floats stored(bench.model.model.network.input_size());
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<float>(i % 7) * 0.2F - 0.5F;
  return stored;
}

/// The forward pass of a host, in memory of its own.
Floats outputs_of(const ClientBench& bench, const FakeModel& model, const Floats& weights) {
  const Floats stored = stored_input(bench);
  Floats sample(model.model.network.sample_count());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    sample[i] = stored[i] * model.model.input.scale + model.model.input.offset;
  }
  const auto outputs =
      nn::predict(model.model.network, {weights.data(), weights.size()}, Span<float>(sample.data(), sample.size()));
  return {outputs.begin(), outputs.end()};
}

Status predicted(ClientBench& bench, Floats& outputs) {
  const Floats stored = stored_input(bench);
  outputs.assign(bench.model.model.network.output_size(), -99.0F);
  return bench.client->predict({stored.data(), stored.size()}, Span<float>(outputs.data(), outputs.size()));
}

bool predicts(ClientBench& bench, const FakeModel& model, const Floats& weights) {
  Floats outputs;
  return predicted(bench, outputs) == Status::kOk && outputs == outputs_of(bench, model, weights);
}

/// What a device's own evaluation task makes of the model, computed apart from any client.
struct Judged {
  Floats weights;
  wire::Evaluation sums{};
};

Judged judged(const ReleaseBench& scene, const wire::Release& release) {
  edge::TaskSettings settings;
  settings.kind = wire::TaskKind::kEvaluate;
  settings.seed = release.seed;
  settings.first_task = release.first_task;
  settings.inner_learning_rate = release.inner_learning_rate;
  settings.passes = release.passes;
  settings.batch_size = release.batch_size;
  model::ModelInfo info;
  const Bytes file = view(scene.bench.model.file);
  const model::ByteSource phi = model::source_of(file);
  REQUIRE(model::inspect(phi, info) == Status::kOk);
  FakeSamples samples = scene.bench.samples;
  Floats arena(65536);
  edge::TaskRunner runner;
  REQUIRE(runner.begin(info, phi, samples.source(), settings,
                       {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)}) == Status::kOk);
  edge::Progress progress = edge::Progress::kMore;
  for (int step = 0; progress == edge::Progress::kMore && step < 100000; ++step) progress = runner.step();
  REQUIRE(progress == edge::Progress::kDone);
  return {{runner.parameters().begin(), runner.parameters().end()}, runner.evaluation()};
}

ReleaseUse use_in(const wire::State& state) { return static_cast<ReleaseUse>(state.release_use); }

}  // namespace

TEST_CASE("judgement: weights that lower the loss of the device's query samples are used", "[edge][client][release]") {
  ReleaseBench scene;
  make_learnable(scene.bench);
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release release = scene.release(5);
  release.batch_size = GENERATE(1U, 4U);
  release.first_task = GENERATE(0U, 9U);
  const Judged wanted = judged(scene, release);
  REQUIRE(wanted.sums.loss_after < wanted.sums.loss_before);
  CHECK(use_in(scene.birth(scene.bring(release))) == ReleaseUse::kAdapted);
  CHECK(scene.bench.client->counters().judgements == 1);
  CHECK(scene.bench.samples.requests.back().is_evaluation);
  CHECK(scene.bench.samples.requests.back().number == release.first_task);
  CHECK(predicts(scene.bench, scene.bench.model, wanted.weights));
  CHECK(scene.bench.client->weights() == Weights::kAdapted);
  scene.announce(release);  // nothing new: it is not judged again
  (void)scene.bench.run();
  CHECK(scene.bench.client->counters().judgements == 1);
}

TEST_CASE("judgement: weights that do not are not, nor what diverges", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release release = scene.release(5);
  ReleaseUse use = ReleaseUse::kWorse;
  SECTION("worse") {
    make_misleading(scene.bench);
    const wire::Evaluation sums = judged(scene, release).sums;
    REQUIRE(sums.loss_after >= sums.loss_before);
  }
  SECTION("diverged") {
    release.inner_learning_rate = 1e30F;
    use = ReleaseUse::kDiverged;
  }
  SECTION("no support samples") {
    scene.bench.samples.begin_status = Status::kUnavailable;
    use = ReleaseUse::kNotJudged;
  }
  SECTION("no query samples") {
    scene.bench.samples.counts.query = 0;
    use = ReleaseUse::kNotJudged;
  }
  SECTION("samples that fail") {
    scene.bench.samples.input_status = Status::kUnavailable;
    use = ReleaseUse::kNotJudged;
  }
  SECTION("no passes") {
    release.passes = 0;
    use = ReleaseUse::kReleased;
  }
  const std::vector<Sent> sent = scene.bring(release);
  CHECK(use_in(scene.birth(sent)) == use);
  CHECK(scene.bench.client->release_use() == use);
  CHECK(predicts(scene.bench, scene.bench.model, scene.bench.model.parameters));
  CHECK(scene.bench.client->weights() == Weights::kReceived);
}

TEST_CASE("judgement: an arena in which the release cannot be adapted still predicts", "[edge][client][release]") {
  const nn::Network network = build(sine_net());
  ReleaseBench scene({sine_net(), (network.parameter_count() + network.sample_count()) * sizeof(float)});
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release release = scene.release(5);
  release.batch_size = 4;  // gradients need memory of their own
  CHECK(use_in(scene.birth(scene.bring(release))) == ReleaseUse::kNotJudged);
  CHECK(predicts(scene.bench, scene.bench.model, scene.bench.model.parameters));
}

TEST_CASE("judgement: over a reset the release is predicted with, and judged again when it is announced",
          "[edge][client][release]") {
  ReleaseBench scene;
  make_learnable(scene.bench);
  scene.bench.connect();
  (void)scene.bench.pump();
  const wire::Release release = scene.release(5);
  const Judged wanted = judged(scene, release);
  (void)scene.bring(release);
  REQUIRE(scene.reset() == Status::kOk);
  CHECK(predicts(scene.bench, scene.bench.model, scene.bench.model.parameters));
  scene.bench.connect();
  CHECK(use_in(scene.birth(scene.bench.pump())) == ReleaseUse::kUnknown);
  scene.announce(release);
  CHECK(use_in(scene.birth(scene.bench.run())) == ReleaseUse::kAdapted);
  CHECK(predicts(scene.bench, scene.bench.model, wanted.weights));
}

TEST_CASE("judgement: after a task the release is judged again, and no model of a round is predicted with",
          "[edge][client][release]") {
  ReleaseBench scene({sine_net(), GENERATE(65536U, 8000U)});
  ClientBench& bench = scene.bench;
  make_learnable(bench);
  bench.connect();
  (void)bench.pump();
  const wire::Release release = scene.release(5);
  const Judged wanted = judged(scene, release);
  const FakeModel released = bench.model;
  (void)scene.bring(release);
  REQUIRE(predicts(bench, released, wanted.weights));
  bench.model = FakeModel(sine_net(), 2);
  const wire::Task task = bench.task();
  bench.give(task);
  Floats outputs;
  CHECK(predicts(bench, released, released.parameters));  // while the round's model comes
  bench.give_model();
  CHECK(predicted(bench, outputs) == Status::kUnavailable);
  bench.work();
  const std::vector<Sent> sent = bench.pump();
  CHECK(scene.births(sent).empty());
  const Status status = predicted(bench, outputs);  // the result is still to be confirmed
  CAPTURE(status, bench.client->has_work());
  CHECK((status == Status::kBufferTooSmall || outputs == outputs_of(bench, released, released.parameters)));
  bench.reply(task, wire::Verdict::kAccepted);
  (void)bench.run();
  CHECK(bench.client->counters().judgements == 2);
  CHECK(predicts(bench, released, wanted.weights));
}

TEST_CASE("judgement: a task that comes in the middle of it goes first", "[edge][client][release]") {
  ReleaseBench scene;
  ClientBench& bench = scene.bench;
  make_learnable(bench);
  bench.connect();
  (void)bench.pump();
  scene.announce(scene.release(5));
  (void)bench.pump();
  bench.give_model();
  (void)bench.pump();
  REQUIRE(bench.client->has_work());
  for (int step = 0; step < 7; ++step) bench.client->work(bench.now);
  const FakeModel released = bench.model;
  bench.model = FakeModel(sine_net(), 2);
  const wire::Task task = bench.task();
  bench.give(task);
  CHECK(bench.client->state() == ClientState::kDownloading);
  CHECK_FALSE(bench.client->has_work());
  bench.give_model();
  REQUIRE(ClientBench::updates(bench.run()).size() > 0);
  bench.reply(task, wire::Verdict::kAccepted);
  CHECK(bench.client->counters().judgements == 0);
  CHECK(use_in(scene.birth(bench.run())) == ReleaseUse::kAdapted);
  CHECK(bench.client->counters().judgements == 1);
}

TEST_CASE("judgement: it waits while error feedback may still need the arena", "[edge][client][release]") {
  const std::size_t arena_bytes = GENERATE(65536U, 14000U);
  const bool has_room = arena_bytes == 65536U;
  ReleaseBench scene({sine_net(), arena_bytes});
  ClientBench& bench = scene.bench;
  make_learnable(bench);
  wire::Task task = bench.task();
  std::strcpy(task.uplink, "eden:1+ef");
  (void)bench.run_task(task);
  bench.reply(task, wire::Verdict::kAccepted);
  (void)bench.run();
  const FakeModel released = bench.model;
  const std::vector<Sent> sent = scene.bring(scene.release(5));
  CHECK(use_in(scene.birth(sent)) == (has_room ? ReleaseUse::kAdapted : ReleaseUse::kUnknown));
  Floats outputs;
  CHECK(predicted(bench, outputs) == (has_room ? Status::kOk : Status::kBufferTooSmall));
  wire::Task next = bench.evaluation(1);
  next.accepted_round = 1;
  bench.give(next);
  (void)bench.run();
  bench.reply(next, wire::Verdict::kAccepted);
  (void)bench.run();
  CHECK(bench.client->release_use() == ReleaseUse::kAdapted);
}
