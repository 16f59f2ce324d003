/// @file
/// The scope of a task: what its steps leave as it is, its change leaves out. The runner, then the client.

#include "fakes/client_bench.hpp"
#include "fakes/task_rig.hpp"

using namespace skink;
using namespace skink::test;
using edge::Progress;
using edge::TaskSettings;
using wire::TopicKind;

namespace {

/// The same network with these tensors frozen by its layers: what a scope must come to.
NetSpec narrowed(NetSpec spec, std::uint32_t frozen) {
  std::uint32_t tensor = 0;
  for (nn::LayerSpec& layer : spec.layers) {
    if (!nn::has_parameters(layer.kind)) continue;
    layer.train_weights = (frozen >> tensor++ & 1U) == 0 && layer.train_weights;
    layer.train_bias = (frozen >> tensor++ & 1U) == 0 && layer.train_bias;
  }
  return spec;
}

}  // namespace

TEST_CASE("client: a task's scope is that of its change", "[edge][client][scope]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.frozen = 0b001111;  // all but the last layer
  std::strcpy(task.uplink, "float32");
  task.chunk_bytes = 64;
  const std::vector<Sent> whole = bench.run_task(task);
  nn::Network head = bench.model.model.network;
  REQUIRE(head.freeze(task.frozen) == Status::kOk);
  std::size_t bytes = 0;
  for (const Sent& one : whole) {
    wire::Update update;
    Bytes payload;
    REQUIRE(wire::decode_update(view(one.payload), bench.identity, update, payload) == Status::kOk);
    CHECK(update.total_bytes == 4 * head.trainable_count());
    bytes += payload.size();
  }
  CHECK(bytes == 4 * head.trainable_count());

  ClientBench other;
  other.connect();
  other.give(task);
  (void)other.pump();
  other.give_model();
  other.work();
  std::vector<Sent> sent;
  for (Sent one; other.next(one);) {
    if (one.topic == TopicKind::kUpdate) sent.push_back(one);
    other.client->on_published(other.now);
  }
  CHECK(same_payloads(sent, whole));

  ClientBench mapped;  // where the slot can be read like memory, the frozen tensors take no RAM
  mapped.slot.is_mapped = true;
  mapped.restart();
  CHECK(same_payloads(mapped.run_task(task), whole));
  CHECK(mapped.client->memory_plan().parameters == bytes);
  float x = 0.5F;
  float y = 0;
  float z = 1;
  CHECK(other.client->predict({&x, 1}, {&y, 1}) == Status::kOk);
  CHECK(mapped.client->predict({&x, 1}, {&z, 1}) == Status::kOk);
  CHECK(y == z);
  mapped.reply(task, wire::Verdict::kAccepted);
  mapped.model.digest.bytes[0] ^= 1U;  // another model is on its way into the slot
  mapped.give(mapped.task(1));
  (void)mapped.pump();
  CHECK(mapped.client->predict({&x, 1}, {&z, 1}) == Status::kUnavailable);

  task.frozen = 0x3f;
  task.round = 1;
  other.give(task);
  wire::Update refused;
  Bytes payload;
  const std::vector<Sent> answer = ClientBench::updates(other.pump());
  REQUIRE(answer.size() == 1);
  REQUIRE(wire::decode_update(view(answer[0].payload), other.identity, refused, payload) == Status::kOk);
  CHECK(refused.refusal == wire::Refusal::kInvalidTask);
}

TEST_CASE("task runner: a scope moves its tensors as if the others were not trainable", "[edge][task_runner][scope]") {
  TaskRig rig(GENERATE(sine_net(), conv_net()));
  const std::uint32_t frozen = GENERATE(0b001111U, 0b010101U, 0b101011U, 0b110000U);
  const bool is_evaluation = GENERATE(true, false);
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  settings.frozen = frozen;
  if (is_evaluation) settings.kind = wire::TaskKind::kEvaluate;
  CAPTURE(frozen, is_evaluation, settings.batch_size);
  rig.spec = narrowed(rig.spec, frozen);
  rig.slot.is_mapped = GENERATE(true, false);
  settings.proximal = is_evaluation ? 0.0F : GENERATE(0.0F, 0.5F);
  REQUIRE(rig.begin(settings) == Status::kOk);
  const std::size_t moved = rig.info.model.network.trainable_count();
  CHECK(rig.runner.memory_plan().parameters == 4 * (rig.slot.is_mapped ? moved : rig.fake.parameters.size()));
  REQUIRE(rig.info.model.network.freeze(0) == Status::kOk);  // who else uses the network narrows it for himself
  REQUIRE(rig.run() == Progress::kDone);
  TaskSettings as_drawn = settings;
  if (is_evaluation) as_drawn.round = 0;
  CHECK(result(rig) == without_signs(is_evaluation ? rig.adapted(as_drawn, kEvaluationOrder, settings.first_task)
                                                   : rig.adapted(as_drawn, kOrder, settings.device_index)));
  CHECK(result(rig) != without_signs(rig.fake.parameters));
}

TEST_CASE("task runner: frozen layers compute once a sample where there is room for what they make of it",
          "[edge][task_runner][scope]") {
  TaskRig rig(GENERATE(sine_net(), conv_net()));
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  const bool is_evaluation = GENERATE(true, false);
  if (is_evaluation) settings.kind = wire::TaskKind::kEvaluate;
  if (is_evaluation) settings.task_count = 2;
  settings.frozen = GENERATE(0b001111U, 0b000011U, 0b011111U);  // the head; all but the lowest; a bias
  rig.samples.replayable = GENERATE(true, false);
  REQUIRE(rig.begin(settings) == Status::kOk);
  const nn::MemoryPlan roomy = rig.runner.memory_plan();
  nn::Network& network = rig.info.model.network;
  CHECK(network.has_frozen_trunk());
  CHECK(roomy.latents == 10 * network.latent_size() * sizeof(float));
  REQUIRE(rig.run() == Progress::kDone);
  const Numbers with_latents = result(rig);
  const wire::Evaluation sums = rig.runner.evaluation();
  const std::size_t reads = rig.samples.support_reads.size();

  TaskRig tight(rig.spec);
  tight.samples.replayable = rig.samples.replayable;
  REQUIRE(tight.begin(settings, roomy.total - 4) == Status::kOk);
  CHECK(tight.runner.memory_plan().latents == 0);
  CHECK(tight.runner.memory_plan().total == roomy.total - roomy.latents);
  REQUIRE(tight.run() == Progress::kDone);
  CHECK(result(tight) == with_latents);
  CHECK(tight.runner.evaluation().loss_after == sums.loss_after);
  const std::size_t more = rig.samples.replayable ? 2 * 10 : 0;  // in the second pass and the third
  CHECK(tight.samples.support_reads.size() == reads + more);

  settings.passes = 1;
  REQUIRE(rig.begin(settings) == Status::kOk);
  CHECK(rig.runner.memory_plan().latents == 0);
  settings.passes = 3;
  settings.frozen = 0b110000;  // what moves lies at the bottom
  REQUIRE(rig.begin(settings) == Status::kOk);
  CHECK(rig.runner.memory_plan().latents == 0);
}

TEST_CASE("task runner: a query gradient is of everything, whatever the scope of the steps",
          "[edge][task_runner][scope]") {
  TaskRig rig(GENERATE(sine_net(), conv_net()));
  const NetSpec whole = rig.spec;
  TaskSettings settings = adaptation(GENERATE(1U, 4U));
  settings.frozen = 0b001111;
  settings.change = wire::ChangeKind::kQueryGradient;
  rig.slot.is_mapped = true;  // which a gradient of everything cannot use
  REQUIRE(rig.begin(settings) == Status::kOk);
  REQUIRE(rig.run() == Progress::kDone);
  rig.spec = narrowed(whole, settings.frozen);
  const Numbers w = rig.adapted(settings, kOrder, settings.device_index);
  rig.spec = whole;
  CHECK(result(rig) == without_signs(rig.stepped_from_phi(settings, w)));
  CHECK(rig.info.model.network.frozen() == 0);  // what is sent is of everything too
}

TEST_CASE("task runner: a scope in which nothing moves is refused", "[edge][task_runner][scope]") {
  TaskRig rig(sine_net());
  TaskSettings settings = adaptation(1);
  settings.frozen = 0x3f;
  CHECK(rig.begin(settings) == Status::kInvalidArgument);
  CHECK(rig.info.model.network.frozen() == 0);
}

namespace {

/// A device whose slot can be read like memory, after a task that it has done.
struct DoneOnce {
  DoneOnce(std::size_t arena_bytes, std::uint32_t frozen) : bench(options_of(arena_bytes)) {
    bench.slot.is_mapped = true;
    bench.restart();
    wire::Task task = bench.task();
    task.frozen = frozen;
    task.passes = 3;
    std::strcpy(task.uplink, "float32");
    (void)bench.run_task(task);
    bench.reply(task, wire::Verdict::kAccepted);
    REQUIRE(bench.client->counters().accepted == 1);
    before = predicted();
  }

  static BenchOptions options_of(std::size_t arena_bytes) {
    BenchOptions options;
    options.arena_bytes = arena_bytes;
    return options;
  }

  wire::Task next(std::uint32_t frozen) const {
    wire::Task task = bench.task(1);
    task.frozen = frozen;
    std::strcpy(task.uplink, "float32");
    return task;
  }

  float predicted() {
    const float x = 0.5F;
    float y = 99;
    REQUIRE(bench.client->predict({&x, 1}, {&y, 1}) == Status::kOk);
    return y;
  }

  ClientBench bench;
  float before = 0;
};

constexpr std::uint32_t kHead = 0b001111;

}  // namespace

TEST_CASE("client: what does not begin takes no weights away, nor what they are read with", "[edge][client][scope]") {
  SECTION("samples of its own, in an arena that is too small for them") {
    DoneOnce it(3000, kHead);
    CHECK(it.bench.client->adapt_now({0.01F, 1, 1}) == Status::kBufferTooSmall);
    CHECK(it.predicted() == it.before);
  }
  SECTION("an evaluation of everything, which does not fit") {
    DoneOnce it(3000, kHead);
    it.bench.give(it.bench.evaluation(1));
    (void)it.bench.pump();
    CHECK(it.bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kDoesNotFit)] == 1);
    CHECK(it.predicted() == it.before);
  }
  SECTION("a task of everything without samples") {
    DoneOnce it(65536, kHead);
    it.bench.samples.begin_status = Status::kUnavailable;
    it.bench.give(it.next(0));
    (void)it.bench.pump();
    CHECK(it.bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kNoData)] == 1);
    CHECK(it.predicted() == it.before);
  }
  SECTION("one that had begun, and another took its place: the model as it came") {
    DoneOnce it(65536, 0);
    it.bench.give(it.next(kHead));
    wire::Task nothing = it.next(0x3f);
    nothing.round = 2;
    it.bench.give(nothing);
    (void)it.bench.pump();
    CHECK(it.bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kInvalidTask)] == 1);
    ClientBench fresh;
    const float x = 0.5F;
    float y = 0;
    (void)fresh.run_task(fresh.task());
    fresh.restart();
    REQUIRE(fresh.client->restore_model(static_cast<std::uint32_t>(fresh.model.file.size())) == Status::kOk);
    REQUIRE(fresh.client->predict({&x, 1}, {&y, 1}) == Status::kOk);
    CHECK(it.predicted() == y);
    CHECK(y != it.before);
  }
}

TEST_CASE("client: a model is predicted with where it is, if the arena has no room for it", "[edge][client][scope]") {
  const bool is_mapped = GENERATE(true, false);
  BenchOptions options;
  options.arena_bytes = 3000;  // of 4,612 bytes of parameters
  ClientBench bench(options);
  bench.slot.is_mapped = is_mapped;
  std::copy(bench.model.file.begin(), bench.model.file.end(), bench.slot.bytes.begin());
  bench.restart();
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  const float x = 0.5F;
  float y = 0;
  CHECK(bench.client->predict({&x, 1}, {&y, 1}) == (is_mapped ? Status::kOk : Status::kBufferTooSmall));
  if (!is_mapped) return;
  ClientBench roomy;
  std::copy(roomy.model.file.begin(), roomy.model.file.end(), roomy.slot.bytes.begin());
  REQUIRE(roomy.client->restore_model(static_cast<std::uint32_t>(roomy.model.file.size())) == Status::kOk);
  float z = 1;
  REQUIRE(roomy.client->predict({&x, 1}, {&z, 1}) == Status::kOk);
  CHECK(y == z);
}

TEST_CASE("client: the same task again brings the same bytes, whatever the device adapted to meanwhile",
          "[edge][client][scope]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.frozen = kHead;
  std::strcpy(task.uplink, "int8");
  const std::vector<Sent> all = bench.run_task(task);
  bench.reply(task, wire::Verdict::kAccepted);
  REQUIRE(bench.client->adapt_now({0.01F, 1, 1}) == Status::kOk);  // of everything
  bench.work();
  bench.give(task);
  const std::vector<Sent> again = ClientBench::updates(bench.pump());
  REQUIRE(again.size() == 1);
  CHECK(again.back().payload == all.back().payload);
}
