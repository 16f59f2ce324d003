/// @file
/// Every reason for which a client ignores or refuses a task, and that a refusal does not disturb the current one.

#include <catch2/catch.hpp>
#include <cmath>

#include "fakes/client_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ClientState;
using wire::Refusal;

namespace {

std::uint32_t refused(const ClientBench& bench, Refusal reason) {
  return bench.client->counters().refused[static_cast<std::size_t>(reason)];
}

/// A bench that waits for the reply to round 5.
ClientBench waiting_bench() {
  ClientBench bench;
  (void)bench.run_task(bench.task(5, 1));
  return bench;
}

/// The refusal of a task that does not disturb the current one.
void check_side_refusal(const wire::Task& task, Refusal reason) {
  ClientBench bench;
  const std::vector<Sent> result = bench.run_task(bench.task(5, 1));
  bench.give(task);
  const wire::Update update = bench.refusal(bench.pump());
  CHECK(update.refusal == reason);
  CHECK(update.id == wire::id_of(task));
  CHECK(refused(bench, reason) == 1);
  CHECK(bench.client->state() == ClientState::kWaiting);
  bench.reply(bench.task(5, 1), wire::Verdict::kResend, 0);
  CHECK(same_payloads(bench.pump(), result));
}

/// The refusal of a task that has become the current one.
wire::Update check_refusal(ClientBench& bench, const wire::Task& task, Refusal reason) {
  const wire::Update update = bench.refusal(bench.run_task(task));
  CHECK(update.refusal == reason);
  CHECK(update.id == wire::id_of(task));
  CHECK(refused(bench, reason) == 1);
  CHECK(bench.client->state() == ClientState::kWaiting);
  bench.give(task);  // a repeat is refused with the same words, not looked at again
  CHECK(bench.refusal(bench.pump()).refusal == reason);
  CHECK(refused(bench, reason) == 1);
  return update;
}

}  // namespace

TEST_CASE("client: a task with a wrong code is ignored and counted", "[edge][client][refusal]") {
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  const Message message = bench.encoded(bench.task());
  for (std::size_t i = 0; i < message.size(); ++i) {
    Message wrong = message;
    wrong[i] = static_cast<std::uint8_t>(wrong[i] ^ 0x10U);
    bench.client->on_task(view(wrong), bench.now);
  }
  bench.client->on_task({}, bench.now);
  bench.client->on_reply(view(message), bench.now);  // a task's code is no reply's
  CHECK(bench.client->counters().wrong_authentication == message.size() + 2);
  CHECK(bench.client->state() == ClientState::kIdle);
  CHECK(bench.pump().empty());
  CHECK(bench.client->counters().tasks == 0);
}

TEST_CASE("client: other versions are refused", "[edge][client][refusal]") {
  wire::Task task = ClientBench().task(9);
  const auto number = GENERATE(&wire::Versions::protocol, &wire::Versions::arithmetic, &wire::Versions::codec);
  task.versions.*number += 1;
  check_side_refusal(task, Refusal::kVersionMismatch);
  task.has_versions = false;
  check_side_refusal(task, Refusal::kVersionMismatch);
}

TEST_CASE("client: an older run is refused, a newer one replaces", "[edge][client][refusal]") {
  wire::Task older = ClientBench().task(9);
  older.run = 99;
  check_side_refusal(older, Refusal::kAnotherRun);
  ClientBench bench = waiting_bench();
  wire::Task newer = bench.task(0);
  newer.run = 101;
  bench.give(newer);
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client: a lower round or attempt is refused, a higher attempt replaces", "[edge][client][refusal]") {
  check_side_refusal(ClientBench().task(4, 9), Refusal::kLowerRound);
  check_side_refusal(ClientBench().task(5, 0), Refusal::kLowerRound);
  ClientBench bench = waiting_bench();
  bench.give(bench.task(5, 2));
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client: an unknown codec is refused, an evaluation needs none", "[edge][client][refusal]") {
  wire::Task task = ClientBench().task(9);
  std::strcpy(task.uplink, "topk:2+int8");
  check_side_refusal(task, Refusal::kUnknownCodec);
  task.uplink[0] = '\0';
  check_side_refusal(task, Refusal::kUnknownCodec);
  ClientBench bench;
  CHECK(bench.decoded(bench.run_task(bench.evaluation())[0]).outcome == wire::Outcome::kEvaluated);
}

TEST_CASE("client: a task without kind or model is refused", "[edge][client][refusal]") {
  wire::Task task = ClientBench().task(9);
  task.kind = skink_wire_TaskKind_TASK_KIND_UNSPECIFIED;
  check_side_refusal(task, Refusal::kInvalidTask);
  task = ClientBench().task(9);
  task.model_bytes = 0;
  check_side_refusal(task, Refusal::kInvalidTask);
}

TEST_CASE("client: a change of an unknown kind is refused, an evaluation sends none", "[edge][client][refusal]") {
  wire::Task task = ClientBench().task(9);
  task.change = 2;
  check_side_refusal(task, Refusal::kInvalidTask);
  ClientBench bench;
  wire::Task evaluation = bench.evaluation();
  evaluation.change = 2;
  evaluation.proximal = -1.0F;
  CHECK(bench.decoded(bench.run_task(evaluation)[0]).outcome == wire::Outcome::kEvaluated);
}

TEST_CASE("client: a proximal task and one for a query gradient send other changes", "[edge][client]") {
  const auto sent = [](float proximal, std::uint32_t change) {
    ClientBench bench;
    wire::Task task = bench.task(9);
    task.proximal = proximal;
    task.change = change;
    return bench.change(bench.run_task(task));
  };
  const auto plain = sent(0.0F, 0);
  CHECK(sent(0.5F, 0) != plain);
  CHECK(sent(0.0F, 1) != plain);
  CHECK(sent(0.0F, 0) == plain);
}

TEST_CASE("client: fields out of range are refused", "[edge][client][refusal]") {
  ClientBench bench;
  wire::Task task = bench.task();
  const int field = GENERATE(range(0, 9));
  switch (field) {
    case 0: task.inner_learning_rate = 0.0F; break;
    case 1: task.inner_learning_rate = -0.1F; break;
    case 2: task.inner_learning_rate = HUGE_VALF; break;
    case 3: task.inner_learning_rate = std::nanf(""); break;
    case 4: task.passes = 1025; break;
    case 5: task.passes = 0xffffffffU; break;
    case 6: task.batch_size = 0; break;
    case 7: task.batch_size = 1025; break;
    default:
      task = bench.evaluation();
      task.task_count = 0;
      break;
  }
  CAPTURE(field);
  check_refusal(bench, task, Refusal::kInvalidTask);
}

TEST_CASE("client: the ends of the ranges are allowed", "[edge][client][refusal]") {
  ClientBench bench({sine_net(), 2000000, 32768, 0});
  wire::Task task = bench.task();
  task.passes = GENERATE(0U, 1024U);
  task.batch_size = GENERATE(1U, 1024U);
  task.inner_learning_rate = 1e-6F;
  CHECK(bench.change(bench.run_task(task)).size() > 0);
}

TEST_CASE("client: a plan that does not fit is refused with both numbers", "[edge][client][refusal]") {
  const nn::Network network = build(sine_net());
  const std::size_t needed = nn::plan_memory(network, {}).total;
  ClientBench exact({sine_net(), needed, 32768, 0});
  CHECK(exact.change(exact.run_task(exact.task())).size() > 0);
  ClientBench bench({sine_net(), needed - 4, 32768, 0});
  const wire::Update update = check_refusal(bench, bench.task(), Refusal::kDoesNotFit);
  CHECK(update.needed_bytes == needed);
  CHECK(update.available_bytes == needed - 4);
}

TEST_CASE("client: a model larger than the slot is refused with both numbers", "[edge][client][refusal]") {
  ClientBench bench({sine_net(), 65536, 4096, 0});
  const wire::Update update = check_refusal(bench, bench.task(), Refusal::kDoesNotFit);
  CHECK(update.needed_bytes == bench.model.file.size());
  CHECK(update.available_bytes == 4096);
}

TEST_CASE("client: a model size no chunk map can hold is refused", "[edge][client][refusal]") {
  ClientBench bench({sine_net(), 65536, (SKINK_EDGE_MAX_MODEL_CHUNKS + 1) * wire::kModelChunkBytes, 0});
  wire::Task task = bench.task();
  task.model_bytes = SKINK_EDGE_MAX_MODEL_CHUNKS * wire::kModelChunkBytes + 1;
  CHECK(check_refusal(bench, task, Refusal::kDoesNotFit).needed_bytes == task.model_bytes);
  ClientBench second;
  task.model_bytes = 0xffffffffU;
  check_refusal(second, task, Refusal::kDoesNotFit);
}

TEST_CASE("client: a download that is not the model of the task is refused", "[edge][client][refusal]") {
  ClientBench bench;
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  CHECK(bench.give_chunk(0));
  bench.model.file[4600] = static_cast<std::uint8_t>(bench.model.file[4600] ^ 1U);
  CHECK(bench.give_chunk(1));
  const wire::Update update = bench.refusal(bench.run());
  CHECK(update.refusal == Refusal::kWrongModelHash);
  bench.model.file[4600] = static_cast<std::uint8_t>(bench.model.file[4600] ^ 1U);
  bench.give(bench.task(1));  // the next task fetches it again
  (void)bench.pump();
  bench.give_model();
  CHECK(bench.change(ClientBench::updates(bench.run())).size() > 0);
}

TEST_CASE("client: a sound file with another hash than the task's is refused", "[edge][client][refusal]") {
  ClientBench bench;
  const crypto::Digest wanted = bench.model.digest;
  bench.model.file[4000] = static_cast<std::uint8_t>(bench.model.file[4000] ^ 1U);
  (void)seal(bench.model.file);
  bench.model.digest = wanted;
  check_refusal(bench, bench.task(), Refusal::kWrongModelHash);
}

TEST_CASE("client: a sound file that this firmware cannot use is refused", "[edge][client][refusal]") {
  ClientBench bench;
  const int fault = GENERATE(range(0, 5));
  CAPTURE(fault);
  switch (fault) {
    case 0: bench.model.file[6] = 9; break;                                                      // arithmetic version
    case 1: bench.model.file[32] = 99; break;                                                    // layer kind
    case 2: bench.model.file[22] = 7; break;                                                     // loss
    case 3: bench.model.file[28] = static_cast<std::uint8_t>(bench.model.file[28] ^ 1U); break;  // parameter count
    default: bench.model.file[4] = 3; break;                                                     // a newer format
  }
  bench.model.digest = seal(bench.model.file);
  check_refusal(bench, bench.task(), Refusal::kUnusableModel);
}

TEST_CASE("client: without samples there is no data", "[edge][client][refusal]") {
  ClientBench bench;
  const int fault = GENERATE(range(0, 4));
  CAPTURE(fault);
  if (fault == 0) bench.samples.begin_status = Status::kUnavailable;
  if (fault == 1) bench.samples.counts.support = 0;
  if (fault == 2) bench.samples.input_status = Status::kShapeMismatch;
  if (fault == 3) bench.samples.input_status = Status::kUnavailable;
  bench.samples.replayable = GENERATE(true, false);
  bench.restart();
  check_refusal(bench, bench.task(), Refusal::kNoData);
}

TEST_CASE("client: storage that cannot be written or read is reported", "[edge][client][refusal]") {
  ClientBench bench;
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  SECTION("while a chunk is stored") { CHECK(bench.give_chunk(0, Status::kUnavailable)); }
  SECTION("while the file is checked") {
    CHECK(bench.give_chunk(0));
    bench.slot.readable = false;
    CHECK(bench.give_chunk(1));
  }
  SECTION("when phi is loaded") {
    bench.give_model();
    bench.slot.readable = false;
  }
  SECTION("when the change is encoded") {
    bench.give_model();
    bench.client->work(bench.now);  // phi is loaded
    bench.slot.readable = false;
  }
  const wire::Update update = bench.refusal(bench.run());
  CHECK(update.refusal == Refusal::kStorageFailed);
}
