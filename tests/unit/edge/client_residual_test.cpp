/// @file
/// Error feedback: whatever becomes of an update and of the replies to it, nothing is counted twice and nothing
/// vanishes. The expected bytes come from the codec alone, fed with the changes that a float32 client sends.

#include "fakes/client_bench.hpp"
#include "skink/common/codec/decoder.hpp"
#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using namespace skink::test;
using wire::Verdict;

namespace {

wire::Task named(wire::Task task, const std::string& uplink, std::uint32_t accepted_round = 0) {
  std::strncpy(task.uplink, uplink.c_str(), sizeof task.uplink - 1);
  task.accepted_round = accepted_round;
  return task;
}

/// What a device must send, round by round.
class Expected {
 public:
  Expected(const nn::Network& network, const std::string& name)
      : network_(network), codec_(codec_of(name)), residual_(network.trainable_count(), 0.0F) {}

  Message next(const wire::Task& task) {
    ClientBench plain;
    const Message raw = plain.change(plain.run_task(named(task, "float32")));
    Numbers x;
    REQUIRE(decode(codec_of("float32"), network_, {}, raw, x) == Status::kOk);
    const codec::Key key{task.seed, task.round, task.device_index};
    Encoding encoding(network_, Numbers(x.size(), 0.0F), x, codec_, key, residual_);
    left_.assign(residual_.size(), 0.0F);
    REQUIRE(encoding.encoder.leave({left_.data(), left_.size()}) == Status::kOk);
    return encoding.all();
  }
  void taken() { residual_ = left_; }
  void forget() { residual_.assign(residual_.size(), 0.0F); }

 private:
  const nn::Network& network_;
  codec::Codec codec_;
  Numbers residual_;
  Numbers left_;
};

/// A residual of 1,153 numbers fits into the arena, or it has to be in the store.
BenchOptions in_store(bool is_in_store) {
  BenchOptions options;
  if (!is_in_store) return options;
  options.arena_bytes = 8000;
  options.residual_capacity = 1200;
  return options;
}

struct Scene {
  explicit Scene(const std::string& uplink, bool is_in_store = GENERATE(false, true), std::uint32_t left = 0)
      : name(uplink), frozen(left), bench(in_store(is_in_store)), network(bench.model.model.network) {
    REQUIRE(network.freeze(frozen) == Status::kOk);
    expected = std::make_unique<Expected>(network, uplink);
  }

  /// The device's change of a round, and the residual that it says it used.
  Message run(std::uint32_t round, std::uint32_t accepted_round) {
    last = named(bench.task(round), name, accepted_round);
    last.frozen = frozen;
    const std::vector<Sent> sent = bench.run_task(last);
    residual_round = bench.decoded(sent.front()).residual_round;
    return bench.change(sent);
  }

  /// Does it send what it must?
  bool agrees(std::uint32_t round, std::uint32_t accepted_round) {
    const Message sent = run(round, accepted_round);
    return sent == expected->next(last);
  }

  std::string name;
  std::uint32_t frozen;
  ClientBench bench;
  nn::Network network;  // of what is sent
  std::unique_ptr<Expected> expected;
  wire::Task last{};
  std::uint32_t residual_round = 0;
};

std::string any_codec() {
  return GENERATE("topk:0.02+ternary+ef", "eden:1+ef", "int4:nearest+range+ef", "sign:block+ef");
}

}  // namespace

TEST_CASE("client: what was not sent goes with the next change once the update was taken", "[edge][client][residual]") {
  Scene scene(any_codec());
  for (std::uint32_t round = 0; round < 4; ++round) {
    CHECK(scene.agrees(round, round));
    CHECK(scene.residual_round == round);
    scene.expected->taken();
    scene.bench.reply(scene.last, Verdict::kAccepted);
  }
}

TEST_CASE("client: a residual is of the task's scope, whatever the device adapts to meanwhile",
          "[edge][client][residual][scope]") {
  Scene scene(any_codec(), GENERATE(false, true), 0b001111);  // only the head moves
  scene.bench.slot.is_mapped = GENERATE(false, true);
  scene.bench.restart();
  std::uint32_t adapted = 0;
  for (std::uint32_t round = 0; round < 4; ++round) {
    CHECK(scene.agrees(round, round));
    scene.expected->taken();
    scene.bench.reply(scene.last, Verdict::kAccepted);
    if (scene.bench.client->adapt_now({0.01F, 1, 1}) == Status::kOk) ++adapted;  // of everything
    scene.bench.work();
  }
  CHECK((adapted == 4 || scene.bench.residuals.capacity != 0));  // what remains to be settled may take the arena
}

TEST_CASE("client: a refused update leaves the residual as it was", "[edge][client][residual]") {
  Scene scene(any_codec());
  CHECK(scene.agrees(0, 0));
  scene.expected->taken();
  scene.bench.reply(scene.last, Verdict::kAccepted);
  (void)scene.run(3, 1);
  scene.bench.reply(scene.last, Verdict::kRefused);
  CHECK(scene.agrees(5, 1));  // rounds 1, 2 and 4 went by without this device
  CHECK(scene.residual_round == 1);
}

TEST_CASE("client: a lost reply decides nothing, the next task does", "[edge][client][residual]") {
  Scene scene(any_codec());
  const bool taken = GENERATE(true, false);
  (void)scene.expected->next(named(scene.bench.task(0), scene.name));
  (void)scene.run(0, 0);
  if (taken) scene.expected->taken();
  CHECK(scene.agrees(1, taken ? 1 : 0));
  CHECK(scene.residual_round == (taken ? 1 : 0));
}

TEST_CASE("client: an update that was lost half-way leaves the residual as it was", "[edge][client][residual]") {
  Scene scene(any_codec());
  scene.bench.connect();
  scene.bench.give(named(scene.bench.task(0), scene.name));
  (void)scene.bench.pump();
  scene.bench.give_model();
  scene.bench.work();
  Sent first;
  REQUIRE(scene.bench.next(first));  // under way when the next round's task comes
  CHECK(scene.agrees(1, 0));
}

TEST_CASE("client: the same task again brings the same bytes, also after it was accepted", "[edge][client][residual]") {
  Scene scene(any_codec());
  const Message bytes = scene.run(0, 0);
  scene.bench.reply(scene.last, Verdict::kAccepted);
  scene.bench.give(scene.last);
  (void)scene.bench.pump();  // the last chunk: what became of it?
  scene.bench.reply(scene.last, Verdict::kResend, 0);
  CHECK(scene.bench.change(ClientBench::updates(scene.bench.pump())) == bytes);
}

TEST_CASE("client: a device that was reset says that its residual is lost", "[edge][client][residual]") {
  Scene scene(any_codec());
  (void)scene.run(0, 0);
  scene.bench.reply(scene.last, Verdict::kAccepted);
  scene.bench.restart();
  CHECK(scene.agrees(1, 1));  // with zeros
  CHECK(scene.residual_round == 0);
  scene.expected->taken();
  CHECK(scene.agrees(2, 2));
  CHECK(scene.residual_round == 2);
}

TEST_CASE("client: a residual in a store outlives a reset", "[edge][client][residual]") {
  Scene scene(any_codec(), true);
  CHECK(scene.agrees(0, 0));
  scene.expected->taken();
  CHECK(scene.agrees(1, 1));  // whose update is lost with the reset
  CHECK(scene.bench.residuals.is_whole);
  scene.bench.restart();
  CHECK(scene.agrees(2, 1));
  CHECK(scene.residual_round == 1);
  scene.expected->taken();
  CHECK(scene.agrees(3, 3));
  CHECK(scene.residual_round == 3);
}

TEST_CASE("client: a store that fails leaves zeros", "[edge][client][residual]") {
  Scene scene(any_codec(), true);
  CHECK(scene.agrees(0, 0));
  scene.bench.residuals.writes_left = GENERATE(0, 2);
  CHECK(scene.agrees(1, 1));
  CHECK(scene.residual_round == 0);
  scene.bench.residuals.writes_left = -1;
  scene.expected->taken();
  CHECK(scene.agrees(2, 2));
  CHECK(scene.residual_round == 2);
}

TEST_CASE("client: a residual of another run of the store is not taken for this one's", "[edge][client][residual]") {
  Scene scene(any_codec(), true);
  for (std::uint32_t round = 0; round < 2; ++round) {
    (void)scene.run(round, round);
    scene.bench.reply(scene.last, Verdict::kAccepted);
  }
  REQUIRE(scene.bench.residuals.tag.version == 1);
  wire::Task task = named(scene.bench.task(1), scene.name, 1);
  const bool is_other_run = GENERATE(true, false);
  is_other_run ? ++task.run : ++task.seed;
  scene.bench.restart();
  CHECK(scene.bench.decoded(scene.bench.run_task(task).front()).residual_round == 0);
}

TEST_CASE("client: another run, another codec and another model begin with zeros", "[edge][client][residual]") {
  Scene scene("topk:0.02+ternary+ef");
  (void)scene.run(0, 0);
  wire::Task task = scene.bench.task(1);
  task.run += 1;
  const std::vector<Sent> sent = scene.bench.run_task(named(task, scene.name, 0));
  CHECK(scene.bench.decoded(sent.front()).residual_round == 0);
  CHECK(scene.bench.change(sent) == scene.expected->next(named(task, scene.name)));
}

TEST_CASE("client: a residual is planned, and refused where it does not fit", "[edge][client][residual]") {
  BenchOptions options;
  const std::size_t plain = 4 * (1153 + 65 + 1);
  options.arena_bytes = plain + 4 * 1153 - 4;
  ClientBench bench(options);
  const wire::Update update = bench.refusal(bench.run_task(named(bench.task(0), "sign+ef")));
  CHECK(update.refusal == wire::Refusal::kDoesNotFit);
  CHECK(update.needed_bytes == plain + 4 * 1153);
  CHECK(update.available_bytes == options.arena_bytes);

  options.residual_capacity = 1153;
  ClientBench stored(options);
  CHECK(stored.decoded(stored.run_task(named(stored.task(0), "sign+ef")).front()).outcome == wire::Outcome::kAdapted);
  CHECK(stored.client->memory_plan().total == plain);
  options.residual_capacity = 1152;
  ClientBench small(options);
  CHECK(small.refusal(small.run_task(named(small.task(0), "sign+ef"))).refusal == wire::Refusal::kDoesNotFit);
}
