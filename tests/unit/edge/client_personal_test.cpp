/// @file
/// Client::adapt_now: a device learns from its own samples when the application says, and no round notices.

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "fakes/release_bench.hpp"
#include "skink/edge/task_runner.hpp"

using namespace skink;
using namespace skink::test;
using edge::ClientState;
using edge::Weights;
using wire::ReleaseUse;

namespace {

constexpr edge::AdaptSettings kSettings = {0.02F, 3, 1};

/// A device that was reset with a model in its slot, and has no connection.
void restart_with_model(ClientBench& bench) {
  std::copy(bench.model.file.begin(), bench.model.file.end(), bench.slot.bytes.begin());
  bench.restart();
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
}

std::vector<float> answer(ClientBench& bench) {
  const std::vector<float> stored(bench.model.model.network.input_size(), 0.3F);
  std::vector<float> outputs(bench.model.model.network.output_size());
  REQUIRE(bench.client->predict({stored.data(), stored.size()}, Span<float>(outputs.data(), outputs.size())) ==
          Status::kOk);
  return outputs;
}

}  // namespace

TEST_CASE("personal: without a broker a device adapts to its samples, and drops what does not help",
          "[edge][client][personal]") {
  ClientBench bench;
  restart_with_model(bench);
  const std::vector<float> before = answer(bench);
  CHECK(bench.client->own_use() == ReleaseUse::kUnknown);
  SECTION("it helps") {
    make_learnable(bench);
    REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
    CHECK(bench.client->has_work());
    CHECK(bench.client->adapt_now(kSettings) == Status::kUnavailable);  // one at a time
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
    CHECK(bench.client->weights() == Weights::kAdapted);
    CHECK(std::abs(answer(bench)[0] - 0.7F) < std::abs(before[0] - 0.7F));
    SECTION("and the samples change: it begins with the fleet's model again") {
      make_misleading(bench);
      REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
      bench.work();
      CHECK(bench.client->own_use() == ReleaseUse::kWorse);
      CHECK(answer(bench) == before);
    }
  }
  SECTION("it does not") {
    make_misleading(bench);
    REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kWorse);
    CHECK(answer(bench) == before);
  }
  SECTION("it diverges") {
    REQUIRE(bench.client->adapt_now({1e30F, 3, 1}) == Status::kOk);
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kDiverged);
    CHECK(answer(bench) == before);
  }
  SECTION("nothing is held back to judge by") {
    bench.samples.counts.query = 0;
    REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kNotJudged);
    CHECK(answer(bench) == before);
  }
}

TEST_CASE("personal: what cannot be begun is said, and changes nothing", "[edge][client][personal]") {
  ClientBench bench;
  CHECK(bench.client->adapt_now(kSettings) == Status::kUnavailable);  // no model
  restart_with_model(bench);
  CHECK(bench.client->adapt_now({0.02F, 0, 1}) == Status::kInvalidArgument);
  CHECK(bench.client->adapt_now({-1.0F, 1, 1}) == Status::kInvalidArgument);
  bench.samples.begin_status = Status::kUnavailable;
  CHECK(bench.client->adapt_now(kSettings) == Status::kUnavailable);
  bench.samples.begin_status = Status::kOk;
  bench.connect();
  bench.give(bench.task());
  REQUIRE(bench.client->state() == ClientState::kWorking);
  CHECK(bench.client->adapt_now(kSettings) == Status::kUnavailable);
  CHECK(bench.client->counters().judgements == 0);
  CHECK(bench.client->own_use() == ReleaseUse::kUnknown);
}

TEST_CASE("personal: rounds, updates and hashes do not notice, and afterwards the device adapts again",
          "[edge][client][personal]") {
  ClientBench plain;
  ClientBench personal;
  restart_with_model(plain);
  restart_with_model(personal);
  make_learnable(plain);
  make_learnable(personal);
  REQUIRE(personal.client->adapt_now(kSettings) == Status::kOk);
  const bool is_interrupted = GENERATE(false, true);
  if (is_interrupted) {
    personal.client->work(personal.now);
  } else {
    personal.work();
  }
  for (std::uint32_t round = 0; round < 3; ++round) {
    const wire::Task task = plain.task(round);
    const std::vector<Sent> wanted = plain.run_task(task);
    const std::vector<Sent> sent = personal.run_task(task);
    REQUIRE(sent.size() == wanted.size());
    for (std::size_t i = 0; i < sent.size(); ++i) CHECK(sent[i].payload == wanted[i].payload);
    plain.reply(task, wire::Verdict::kAccepted);
    personal.reply(task, wire::Verdict::kAccepted);
    const std::uint32_t before = personal.client->counters().judgements;
    (void)personal.run();
    CHECK(personal.client->counters().judgements == before + 1);
    CHECK(personal.client->own_use() == ReleaseUse::kAdapted);
  }
}

TEST_CASE("personal: a release is adapted with the device's own settings, and its birth says what came of it",
          "[edge][client][personal][release]") {
  ReleaseBench scene;
  make_learnable(scene.bench);
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release release = scene.release(5);
  release.passes = 0;  // to be used as released
  CHECK(static_cast<ReleaseUse>(scene.birth(scene.bring(release)).release_use) == ReleaseUse::kReleased);
  REQUIRE(scene.bench.client->adapt_now(kSettings) == Status::kOk);
  CHECK(static_cast<ReleaseUse>(scene.birth(scene.bench.run()).release_use) == ReleaseUse::kAdapted);
  SECTION("so is the next one") {
    scene.bench.model = FakeModel(sine_net(), 77);
    release = scene.release(6);
    release.passes = 0;
    CHECK(static_cast<ReleaseUse>(scene.birth(scene.bring(release)).release_use) == ReleaseUse::kAdapted);
    CHECK(scene.bench.client->counters().judgements == 2);
  }
  SECTION("and after a reset, when the application says so again") {
    REQUIRE(scene.reset() == Status::kOk);
    REQUIRE(scene.bench.client->adapt_now(kSettings) == Status::kOk);
    scene.bench.work();
    CHECK(scene.bench.client->own_use() == ReleaseUse::kAdapted);
  }
}

namespace {

/// A device that keeps what it adapts.
BenchOptions keeping() {
  BenchOptions options;
  options.personal_capacity = 4096;
  return options;
}

void adapt(ClientBench& bench) {
  REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
  bench.work();
}

}  // namespace

TEST_CASE("personal: what was adapted is kept over a reset, without connection or work", "[edge][client][personal]") {
  ClientBench bench(keeping());
  restart_with_model(bench);
  make_learnable(bench);
  const std::vector<float> before = answer(bench);
  adapt(bench);
  CHECK(bench.client->counters().personal_kept == 1);
  const std::vector<float> adapted = answer(bench);
  REQUIRE(adapted != before);
  restart_with_model(bench);
  CHECK_FALSE(bench.client->has_work());
  CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
  CHECK(answer(bench) == adapted);
  CHECK(bench.client->weights() == Weights::kAdapted);
  SECTION("and when new samples say nothing better, it stays in use") {
    make_misleading(bench);
    adapt(bench);
    CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
    CHECK(bench.client->counters().personal_kept == 0);
    CHECK(answer(bench) == adapted);
  }
  SECTION("and a task takes it away only while it lasts: nothing is adapted again") {
    (void)bench.run_task(bench.task());
    bench.reply(bench.task(), wire::Verdict::kAccepted);
    (void)bench.run();
    CHECK(bench.client->counters().judgements == 0);
    CHECK(answer(bench) == adapted);
    CHECK(bench.client->weights() == Weights::kAdapted);
    restart_with_model(bench);
    CHECK(answer(bench) == adapted);
  }
  SECTION("unless it cannot be read any more: then the model is used as it came, and adapted again") {
    bench.personal.is_readable = false;
    restart_with_model(bench);
    CHECK(answer(bench) == before);
    CHECK(bench.client->own_use() == ReleaseUse::kNotJudged);
    bench.personal.is_readable = true;
    REQUIRE(bench.client->has_work());
    bench.work();
    CHECK(answer(bench) == adapted);
  }
  SECTION("unless it is not finite") {
    bench.personal.kept[3] = std::numeric_limits<float>::infinity();
    restart_with_model(bench);
    CHECK(answer(bench) == before);
  }
}

TEST_CASE("personal: another model is adapted again by itself, and nothing else is taken for it",
          "[edge][client][personal]") {
  ClientBench bench(keeping());
  restart_with_model(bench);
  make_learnable(bench);
  adapt(bench);
  const Message first = bench.model.file;
  bench.model = FakeModel(sine_net(), 78);
  REQUIRE(bench.model.file != first);
  restart_with_model(bench);
  CHECK(bench.client->own_use() == ReleaseUse::kUnknown);
  const std::vector<float> received = answer(bench);
  REQUIRE(bench.client->has_work());
  bench.work();
  CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
  CHECK(std::abs(answer(bench)[0] - 0.7F) < std::abs(received[0] - 0.7F));
  CHECK(bench.client->counters().personal_kept == 0);  // the next round brings another one: flash is not worn for it
}

TEST_CASE("personal: rate and passes come with the model, where the application names none",
          "[edge][client][personal]") {
  ClientBench bench(keeping());
  restart_with_model(bench);
  make_learnable(bench);
  CHECK(bench.client->adapt_now() == Status::kInvalidArgument);  // this model says none
  ClientBench named(keeping());
  restart_with_model(named);
  make_learnable(named);
  adapt(named);
  bench.model = FakeModel(sine_net(), 1, kSettings);
  REQUIRE(bench.model.parameters == named.model.parameters);
  restart_with_model(bench);
  REQUIRE(bench.client->adapt_now() == Status::kOk);
  bench.work();
  CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
  CHECK(answer(bench) == answer(named));
  SECTION("and the next model's are its own") {
    bench.model = FakeModel(sine_net(), 1, {0.002F, 1, 2});
    restart_with_model(bench);
    REQUIRE(bench.client->has_work());
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
    CHECK(answer(bench) != answer(named));
  }
  SECTION("if it says none, it is used as it came, and that is said") {
    bench.model = FakeModel(sine_net(), 1);
    restart_with_model(bench);
    bench.work();
    CHECK(bench.client->own_use() == ReleaseUse::kNotJudged);
    CHECK(bench.client->counters().judgements == 0);
  }
}

TEST_CASE("personal: settings in the store that are out of range start nothing", "[edge][client][personal]") {
  ClientBench bench(keeping());
  restart_with_model(bench);
  make_learnable(bench);
  adapt(bench);
  bench.personal.tag.owner ^= 1;
  bench.personal.tag.settings = ~0ULL;
  restart_with_model(bench);
  CHECK_FALSE(bench.client->has_work());
  CHECK(bench.client->own_use() == ReleaseUse::kUnknown);
}

TEST_CASE("personal: weights that cannot be kept are used until the reset, and counted", "[edge][client][personal]") {
  ClientBench bench(keeping());
  restart_with_model(bench);
  make_learnable(bench);
  const std::vector<float> before = answer(bench);
  bench.personal.writes_left = 1;
  adapt(bench);
  CHECK(bench.client->counters().personal_lost == 1);
  CHECK(bench.client->counters().personal_kept == 0);
  CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
  CHECK(answer(bench) != before);
  restart_with_model(bench);
  CHECK(answer(bench) == before);
}

TEST_CASE("personal: a task that comes while weights are written goes first", "[edge][client][personal]") {
  ClientBench plain;
  ClientBench bench(keeping());
  restart_with_model(plain);
  restart_with_model(bench);
  make_learnable(plain);
  make_learnable(bench);
  REQUIRE(bench.client->adapt_now(kSettings) == Status::kOk);
  while (bench.client->own_use() != ReleaseUse::kAdapted) bench.client->work(bench.now);
  REQUIRE(bench.client->has_work());
  for (int steps = GENERATE(0, 1, 2); steps > 0; --steps) bench.client->work(bench.now);
  const wire::Task task = plain.task();
  const std::vector<Sent> wanted = plain.run_task(task);
  const std::vector<Sent> sent = bench.run_task(task);
  CHECK(same_payloads(sent, wanted));
  bench.reply(task, wire::Verdict::kAccepted);
  (void)bench.run();
  CHECK(bench.client->own_use() == ReleaseUse::kAdapted);
  CHECK(bench.client->counters().judgements == 2);
}

TEST_CASE("personal: a release that is announced again after a reset is not adapted again, nor is flash worn",
          "[edge][client][personal][release]") {
  ReleaseBench scene(keeping());
  make_learnable(scene.bench);
  scene.bench.connect();
  (void)scene.bench.pump();
  const wire::Release release = scene.release(5);
  (void)scene.bring(release);
  adapt(scene.bench);
  REQUIRE(scene.bench.client->counters().personal_kept == 1);
  const std::vector<float> adapted = answer(scene.bench);
  REQUIRE(scene.reset() == Status::kOk);
  scene.bench.connect();
  scene.announce(release);
  const wire::State birth = scene.birth(scene.bench.run());
  CHECK(static_cast<ReleaseUse>(birth.release_use) == ReleaseUse::kAdapted);
  CHECK(scene.bench.client->counters().judgements == 0);
  CHECK(scene.bench.client->counters().personal_kept == 0);
  CHECK(answer(scene.bench) == adapted);
}
