/// @file
/// Releases and everything that comes in between: tasks, lost connections, damaged models, stores that fail. No update
/// of a round differs for any of it.

#include "fakes/release_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::Refusal;
using wire::TopicKind;
using wire::Verdict;

namespace {

bool asks_for_release(const std::vector<Sent>& sent) {
  return count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) > 0;
}

}  // namespace

TEST_CASE("release: a task goes first, and the release is taken up again after it", "[edge][client][release]") {
  ReleaseBench scene({conv_net()});
  const FakeModel released(conv_net(), 2);
  const FakeModel of_round(conv_net(), 1);
  scene.bench.connect();
  (void)scene.bench.pump();
  const wire::Task task = scene.bench.task();
  scene.bench.model = released;
  scene.announce(scene.release(5));
  REQUIRE(asks_for_release(scene.bench.pump()));
  if (scene.bench.model_chunks() > 1) REQUIRE(scene.bench.give_chunk(0));

  scene.bench.give(task);  // in the middle of the download
  std::vector<Sent> sent = scene.bench.pump();
  CHECK(count_of(sent, ActionKind::kUnsubscribe, TopicKind::kReleaseModel) == 1);
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kModel) == 1);
  CHECK_FALSE(scene.bench.give_chunk(0));  // of the release
  scene.bench.model = of_round;
  scene.bench.give_model();
  scene.bench.work();
  CHECK_FALSE(asks_for_release(scene.bench.pump()));  // waits for the reply
  scene.announce(scene.release(7));                   // announced meanwhile: the last one counts
  CHECK_FALSE(asks_for_release(scene.bench.pump()));
  scene.bench.model = released;
  scene.announce(scene.release(6));
  scene.bench.model = of_round;
  scene.bench.reply(task, Verdict::kAccepted);
  REQUIRE(asks_for_release(scene.bench.pump()));
  scene.bench.model = released;
  scene.bench.give_model();
  sent = scene.bench.run();
  CHECK(scene.keeps(released));
  CHECK(scene.bench.releases.number == 6);
  const wire::State state = scene.birth(sent);
  CHECK(state.release_model == crypto::prefix_of(released.digest));
  CHECK(state.model == crypto::prefix_of(of_round.digest));  // patches of the next round begin with it
}

TEST_CASE("release: a task that overwrites the model slot before the release was copied from it goes first",
          "[edge][client][release]") {
  ReleaseBench scene;
  ClientBench& bench = scene.bench;
  const FakeModel released = bench.model;
  const wire::Task first = bench.task(0);
  (void)bench.run_task(first);
  bench.reply(first, Verdict::kAccepted);
  (void)bench.pump();
  bench.client->on_disconnected();
  bench.connect();
  scene.announce(scene.release(5));
  Sent sent;
  REQUIRE(bench.next(sent));  // a subscription; the release is found in the slot meanwhile
  REQUIRE(sent.kind == ActionKind::kSubscribe);
  bench.model = FakeModel(sine_net(), 2);
  const wire::Task task = bench.task(1);
  bench.give(task);
  bench.give_model();
  (void)bench.run();
  CHECK(bench.releases.number == 0);
  bench.reply(task, Verdict::kAccepted);
  CHECK(asks_for_release(bench.pump()));
  bench.model = released;
  bench.give_model();
  (void)bench.run();
  CHECK(scene.keeps(released));
  CHECK(scene.refused(Refusal::kStorageFailed) == 0);
}

TEST_CASE("release: a task that gives up waiting lets the release go on", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Task task = scene.bench.task();
  task.time_left_ms = 5000;
  scene.bench.give(task);
  scene.bench.model = FakeModel(sine_net(), 2);
  scene.announce(scene.release(5));
  CHECK_FALSE(asks_for_release(scene.bench.pump()));
  for (int wait = 0; wait < 5 && scene.bench.client->state() == ClientState::kDownloading; ++wait) {
    scene.bench.now = std::max(scene.bench.now, scene.bench.client->next_wake_ms());
    scene.bench.client->on_time(scene.bench.now);
  }
  CHECK(asks_for_release(scene.bench.pump()));
}

TEST_CASE("release: after a lost connection only what is missing is asked for", "[edge][client][release]") {
  BenchOptions large;
  large.net.layers[0].units = 900;
  large.release_bytes = 300000;
  ReleaseBench scene(large);
  REQUIRE(scene.bench.model_chunks() > 2);
  scene.bench.connect();
  (void)scene.bench.pump();
  scene.announce(scene.release(5));
  (void)scene.bench.pump();
  REQUIRE(scene.bench.give_chunk(1));
  scene.bench.client->on_disconnected();
  scene.bench.connect();
  std::vector<Sent> sent = scene.bench.pump();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) == scene.bench.model_chunks() - 1);
  const bool is_announced = GENERATE(true, false);
  if (is_announced) {
    scene.announce(scene.release(5));
    CHECK(scene.bench.pump().empty());
    CHECK_FALSE(scene.bench.give_chunk(1));
    for (std::uint32_t chunk = 0; chunk < scene.bench.model_chunks(); ++chunk) {
      if (chunk != 1) REQUIRE(scene.bench.give_chunk(chunk));
    }
    (void)scene.bench.run();
    CHECK(scene.keeps(scene.bench.model));
  } else {  // withdrawn meanwhile: nothing is retained, so no message says so
    sent = scene.bench.wake();
    CHECK(count_of(sent, ActionKind::kUnsubscribe, TopicKind::kReleaseModel) == scene.bench.model_chunks() - 1);
    CHECK(scene.bench.client->next_wake_ms() == edge::Client::kNever);
  }
}

TEST_CASE("release: missing chunks are asked for by name", "[edge][client][release]") {
  BenchOptions large;
  large.net.layers[0].units = 900;
  large.release_bytes = 300000;
  ReleaseBench scene(large);
  scene.bench.connect();
  (void)scene.bench.pump();
  scene.announce(scene.release(5));
  (void)scene.bench.pump();
  REQUIRE(scene.bench.give_chunk(0));
  const std::vector<Sent> sent = scene.bench.wake();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) == scene.bench.model_chunks() - 1);
}

TEST_CASE("release: a damaged model, a sound one of another content and a network that is none are refused",
          "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  (void)scene.bring(scene.release(5));
  const FakeModel kept = scene.bench.model;
  REQUIRE(scene.keeps(kept));
  scene.bench.model = FakeModel(sine_net(), 2);
  Refusal reason = Refusal::kWrongModelHash;
  SECTION("damaged on the way") {
    const wire::Release message = scene.release(6);
    scene.bench.model.file[100] ^= 1;
    (void)scene.bring(message);
  }
  SECTION("announced with the digest of another model than was signed") {
    wire::Release message = scene.release(6);
    const Message other(scene.bench.model.file.size(), 3);
    const auto header = scene.signer.header(6, view(other));
    std::memcpy(message.header, header.data(), header.size());
    (void)scene.bring(message);
  }
  SECTION("that stands in the model slot") {
    scene.bench.give(scene.bench.task(0));
    scene.bench.give_model();
    (void)scene.bench.run();
    scene.bench.reply(scene.bench.task(0), Verdict::kAccepted);
    wire::Release message = scene.release(6);
    const Message other(scene.bench.model.file.size(), 3);
    const auto header = scene.signer.header(6, view(other));
    std::memcpy(message.header, header.data(), header.size());
    (void)scene.bring(message);
    CHECK(scene.bench.releases.copies == 0);
  }
  SECTION("of another arithmetic") {
    reason = Refusal::kUnusableModel;
    scene.bench.model.file[6] ^= 0x40;
    scene.bench.model.digest = seal(scene.bench.model.file);
    (void)scene.bring(scene.release(6));
  }
  CHECK(scene.refused(reason) == 1);
  CHECK(scene.keeps(kept));
  CHECK(scene.bench.releases.number == 5);
  scene.bench.model = FakeModel(sine_net(), 3);
  (void)scene.bring(scene.release(6));  // a sound one of the same number
  CHECK(scene.keeps(scene.bench.model));
}

TEST_CASE("release: a store that fails leaves the old release", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  (void)scene.bring(scene.release(5));
  const FakeModel kept = scene.bench.model;
  scene.bench.model = FakeModel(sine_net(), 2);
  scene.announce(scene.release(6));
  (void)scene.bench.pump();
  const bool is_write = GENERATE(true, false);
  if (is_write) {
    REQUIRE(scene.bench.give_chunk(0, Status::kUnavailable));
  } else {
    scene.bench.releases.fails = true;
    scene.bench.give_model();
  }
  const wire::State state = scene.birth(scene.bench.run());
  CHECK(state.release_refused == 6);
  CHECK(static_cast<std::uint32_t>(state.release_reason) == static_cast<std::uint32_t>(Refusal::kStorageFailed));
  CHECK(state.release == 5);
  CHECK(scene.keeps(kept));
  scene.bench.releases.fails = false;
  scene.bench.client->on_disconnected();
  scene.bench.connect();
  (void)scene.bench.pump();
  (void)scene.bring(scene.release(6));  // announced again on the next connection
  CHECK(scene.keeps(scene.bench.model));
}

namespace {

/// Rounds with error feedback and without, an evaluation, repeats; with releases, one is announced, fetched, kept and
/// judged in every pause, and predictions are made. Everything that was uploaded, the first time that it was: a repeat
/// is answered with the last message, or, where the result had to give way, with all.
std::vector<Sent> rounds(bool with_releases, const char* uplink, std::size_t arena_bytes) {
  ReleaseBench scene({sine_net(), arena_bytes});
  ClientBench& bench = scene.bench;
  std::vector<Sent> all;
  bench.connect();
  std::uint32_t number = 0;
  const auto add = [&](const std::vector<Sent>& sent) {
    for (const Sent& update : ClientBench::updates(sent)) {
      const bool is_new =
          std::none_of(all.begin(), all.end(), [&](const Sent& other) { return other.payload == update.payload; });
      if (is_new) all.push_back(update);
    }
  };
  const auto pause = [&](std::uint32_t seed) {
    if (!with_releases) return;
    const FakeModel of_rounds = bench.model;
    if (seed != 0) bench.model = FakeModel(sine_net(), seed);
    add(scene.bring(scene.release(++number)));
    std::vector<float> stored(bench.model.model.network.input_size(), 0.3F);
    std::vector<float> outputs(bench.model.model.network.output_size());
    (void)bench.client->predict({stored.data(), stored.size()}, Span<float>(outputs.data(), outputs.size()));
    bench.model = of_rounds;
  };
  const auto run = [&](wire::Task task, bool repeats) {
    if (task.kind == skink_wire_TaskKind_TASK_KIND_ADAPT) std::strncpy(task.uplink, uplink, sizeof task.uplink - 1);
    task.accepted_round = task.round;
    bench.give(task);
    add(bench.pump());
    if (bench.client->state() == ClientState::kDownloading) bench.give_model();
    add(bench.run());
    bench.reply(task, Verdict::kAccepted);
    pause(task.round + 2);
    if (!repeats) return;
    bench.give(task);  // a coordinator that was killed
    add(bench.run());
    bench.reply(task, Verdict::kAccepted);
    pause(0);  // of the rounds' model
  };
  run(bench.task(0), true);
  run(bench.task(1), false);
  run(bench.task(2), true);
  run(bench.evaluation(3), true);
  bench.model = FakeModel(sine_net(), 9);
  run(bench.task(4), true);
  if (with_releases) {
    CHECK(scene.refused(Refusal::kStorageFailed) == 0);
    CHECK(bench.client->counters().releases > 4);
  }
  return all;
}

}  // namespace

TEST_CASE("release: no update of a round depends on releases, predictions or judgements", "[edge][client][release]") {
  const char* uplink = GENERATE("int8", "eden:1+ef", "topk:0.1+float32+ef");
  const bool keeps_residual = std::strcmp(uplink, "int8") != 0;
  const std::size_t without_room = keeps_residual ? 14000 : 8000;  // beside a result
  const std::size_t arena_bytes = GENERATE(true, false) ? 65536 : without_room;
  const std::vector<Sent> without = rounds(false, uplink, arena_bytes);
  REQUIRE(without.size() >= 5);
  CHECK(same_payloads(rounds(true, uplink, arena_bytes), without));
}
