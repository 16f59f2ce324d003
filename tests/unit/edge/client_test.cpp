/// @file
/// The client when all goes well, and what the protocol asks of repeats, replies and new tasks.

#include "skink/edge/client.hpp"

#include <catch2/catch.hpp>

#include "fakes/client_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::Outcome;
using wire::TopicKind;
using wire::Verdict;

TEST_CASE("client: a connection begins with subscriptions and the birth", "[edge][client]") {
  ClientBench bench;
  CHECK(bench.pump().empty());  // not connected: nothing to do
  bench.connect();
  const std::vector<Sent> sent = bench.pump();
  REQUIRE(sent.size() == 4);
  CHECK((sent[0].kind == ActionKind::kSubscribe && sent[0].topic == TopicKind::kTask));
  CHECK((sent[1].kind == ActionKind::kSubscribe && sent[1].topic == TopicKind::kReply));
  CHECK((sent[2].kind == ActionKind::kSubscribe && sent[2].topic == TopicKind::kPatch));
  CHECK((sent[3].kind == ActionKind::kPublish && sent[3].topic == TopicKind::kState && sent[3].retain));
  wire::State state{};
  REQUIRE(wire::decode_state(view(sent[3].payload), bench.identity, state) == Status::kOk);
  CHECK((state.online && state.has_versions && wire::same_versions(state.versions)));
  CHECK(std::string(state.firmware) == "bench 1.0");
  CHECK((state.arena_bytes == 65536 && state.battery_percent == 80));
  CHECK(bench.client->next_wake_ms() == edge::Client::kNever);
}

TEST_CASE("client: a challenge is answered with the birth, whatever the device does", "[edge][client]") {
  ClientBench bench;
  bench.connect();
  bench.pump();
  const bool is_working = GENERATE(false, true);
  if (is_working) {
    bench.give(bench.task());
    bench.pump();
  }
  const edge::ClientState before = bench.client->state();
  const std::uint64_t wake_ms = bench.client->next_wake_ms();
  wire::Task presence{};  // no versions, no run: only the code counts
  presence.kind = skink_wire_TaskKind_TASK_KIND_PRESENCE;
  presence.challenge = 77;
  bench.give(presence);
  const std::vector<Sent> sent = bench.pump();
  REQUIRE(sent.size() == 1);
  CHECK((sent[0].kind == ActionKind::kPublish && sent[0].topic == TopicKind::kState && sent[0].retain));
  wire::State state{};
  REQUIRE(wire::decode_state(view(sent[0].payload), bench.identity, state) == Status::kOk);
  CHECK(state.challenge == 77);
  CHECK(bench.client->state() == before);
  CHECK(bench.client->next_wake_ms() == wake_ms);
  CHECK(bench.client->counters().tasks == (is_working ? 1 : 0));
}

TEST_CASE("client: download, adaptation, upload and acceptance", "[edge][client]") {
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  const wire::Task task = bench.task();
  bench.give(task);
  CHECK(bench.client->state() == ClientState::kDownloading);
  std::vector<Sent> sent = bench.pump();
  REQUIRE(sent.size() == 1);
  CHECK((sent[0].kind == ActionKind::kSubscribe && sent[0].topic == TopicKind::kModel));
  CHECK((sent[0].slot == bench.task().model_slot && sent[0].chunk == wire::kAllChunks));

  bench.give_model();
  CHECK(bench.client->state() == ClientState::kWorking);
  sent = bench.pump();
  REQUIRE(sent.size() == 1);
  CHECK((sent[0].kind == ActionKind::kUnsubscribe && sent[0].chunk == wire::kAllChunks));

  bench.work();
  CHECK(bench.client->state() == ClientState::kUploading);
  sent = bench.pump();
  CHECK(bench.client->state() == ClientState::kWaiting);
  CHECK(sent.size() == 3);  // 1153 + 6 scales of 2 bytes, in chunks of 512
  const Message change = bench.change(sent);
  CHECK(change.size() == 1153 + 6 * 2);
  const wire::Update update = bench.decoded(sent[0]);
  CHECK(update.id == wire::id_of(task));
  CHECK((std::string(update.uplink) == "int8" && update.support_samples == 10));

  bench.reply(task, Verdict::kAccepted);
  CHECK(bench.client->state() == ClientState::kFinished);
  CHECK(bench.client->next_wake_ms() == edge::Client::kNever);
  CHECK(bench.pump().empty());
  const auto& counters = bench.client->counters();
  CHECK((counters.tasks == 1 && counters.adapted == 1 && counters.accepted == 1 && counters.retries == 0));
}

TEST_CASE("client: a model that is there is not fetched again", "[edge][client]") {
  ClientBench bench;
  (void)bench.run_task(bench.task(0));
  bench.reply(bench.task(0), Verdict::kAccepted);
  bench.give(bench.task(1));
  CHECK(bench.client->state() == ClientState::kWorking);
  const std::vector<Sent> sent = bench.run();
  CHECK(sent.size() == ClientBench::updates(sent).size());
  CHECK(bench.decoded(sent[0]).id.round == 1);
}

TEST_CASE("client: a device that starts over gives the same bytes", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> first = bench.run_task(bench.task());
  bench.restart();
  CHECK(same_payloads(bench.run_task(bench.task()), first));
  const std::vector<Sent> other_round = bench.run_task(bench.task(1));
  CHECK_FALSE(bench.change(other_round) == bench.change(first));
}

TEST_CASE("client: samples that can be read once give the bytes of those that can be read again", "[edge][client]") {
  ClientBench replayable;
  ClientBench once;
  once.samples.replayable = false;
  once.restart();
  const wire::Task task = GENERATE(true, false) ? replayable.task() : replayable.evaluation();
  const std::vector<Sent> expected = replayable.run_task(task);
  CHECK(same_payloads(once.run_task(task), expected));
  const std::vector<std::uint32_t> in_order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(once.samples.support_reads == in_order);
  CHECK(replayable.samples.support_reads.size() == 20);  // two passes
}

TEST_CASE("client: a repeated triple is answered with the same bytes, not adapted again", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> first = bench.run_task(bench.task());
  const bool finished = GENERATE(true, false);
  if (finished) bench.reply(bench.task(), Verdict::kAccepted);
  for (std::uint32_t repeat = 1; repeat <= 3; ++repeat) {
    bench.give(bench.task());
    CHECK(same_payloads(bench.run(), {first.back()}));
    CHECK(bench.client->counters().repeats == repeat);
    bench.reply(bench.task(), Verdict::kResend, 0);
    CHECK(same_payloads(bench.run(), first));
    bench.reply(bench.task(), Verdict::kAccepted);
  }
  CHECK(bench.client->counters().adapted == 1);
  CHECK(bench.client->counters().tasks == 1);
  CHECK(bench.samples.requests.size() == 1);
}

TEST_CASE("client: a repeated triple does not disturb work in progress", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> expected = bench.run_task(bench.task());
  bench.restart();
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  CHECK(bench.give_chunk(0));
  bench.give(bench.task());  // while downloading
  CHECK(bench.client->state() == ClientState::kDownloading);
  CHECK(bench.give_chunk(1));
  for (int i = 0; i < 5; ++i) bench.client->work(bench.now);
  bench.give(bench.task());  // while working
  CHECK(bench.client->state() == ClientState::kWorking);
  CHECK(same_payloads(ClientBench::updates(bench.run()), expected));
}

TEST_CASE("client: RESEND sends again from the chunk asked for", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> all = bench.run_task(bench.task());
  REQUIRE(all.size() == 3);
  const std::uint32_t from = GENERATE(0U, 1U, 2U);
  bench.reply(bench.task(), Verdict::kResend, from);
  const std::vector<Sent> again = bench.run();
  CHECK(same_payloads(again, {all.begin() + from, all.end()}));
  CHECK(bench.client->state() == ClientState::kWaiting);
  bench.reply(bench.task(), Verdict::kResend, 3);  // beyond the last: nonsense
  CHECK(bench.pump().empty());
  CHECK(bench.client->counters().adapted == 1);
}

TEST_CASE("client: RESEND while a chunk is in flight begins at the chunk asked for", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> all = bench.run_task(bench.task());
  bench.reply(bench.task(), Verdict::kResend, 0);
  Sent in_flight;
  REQUIRE(bench.next(in_flight));
  bench.client->on_published(bench.now);
  REQUIRE(bench.next(in_flight));  // chunk 1
  CHECK(in_flight.payload == all[1].payload);
  bench.reply(bench.task(), Verdict::kResend, 0);
  bench.client->on_published(bench.now);
  CHECK(same_payloads(bench.run(), all));
}

TEST_CASE("client: a result follows the publication of an older one in full", "[edge][client]") {
  ClientBench bench;
  (void)bench.run_task(bench.task(0));
  bench.give(bench.task(0));
  Sent in_flight;
  REQUIRE(bench.next(in_flight));  // the old result leaves slowly
  wire::Task unusable = bench.task(1);
  unusable.passes = 5000;
  bench.give(unusable);
  CHECK(bench.client->state() == ClientState::kUploading);
  bench.client->on_published(bench.now);
  const wire::Update refusal = bench.refusal(bench.run());
  CHECK(refusal.id.round == 1);
  CHECK(refusal.refusal == wire::Refusal::kInvalidTask);
}

TEST_CASE("client: chunks are as large as the task and the device allow", "[edge][client]") {
  ClientBench bench;
  wire::Task task = bench.task();
  std::strcpy(task.uplink, "float32");
  task.chunk_bytes = GENERATE(0U, 64U, 100U, 4096U, 1000000U);
  const std::vector<Sent> sent = bench.run_task(task);
  const std::size_t limit = task.chunk_bytes == 0 ? 4096 : std::min<std::size_t>(task.chunk_bytes, 4096);
  CHECK(sent.size() == (4 * 1153 + limit - 1) / limit);
  CHECK(bench.change(sent).size() == 4 * 1153);
}

TEST_CASE("client: an evaluation reports its sums", "[edge][client]") {
  ClientBench bench({conv_net(), 65536, 32768, 0});
  bench.samples.counts = {12, 9};
  const std::vector<Sent> sent = bench.run_task(bench.evaluation(4));
  REQUIRE(sent.size() == 1);
  const wire::Update update = bench.decoded(sent[0]);
  CHECK(update.outcome == Outcome::kEvaluated);
  CHECK((update.evaluation.tasks == 3 && update.evaluation.query_samples == 27));
  CHECK(update.evaluation.loss_before > 0);
  CHECK(update.evaluation.loss_before != update.evaluation.loss_after);
  CHECK(update.evaluation.correct_before <= 27);
  CHECK(update.evaluation.diverged_tasks == 0);
  REQUIRE(bench.samples.requests.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const edge::TaskRequest& request = bench.samples.requests[i];
    CHECK((request.is_evaluation && request.number == 5 + i && request.round == 0 && request.seed == 77));
  }
  CHECK(bench.client->counters().evaluated == 1);
}

TEST_CASE("client: a divergence is reported without a payload", "[edge][client]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.inner_learning_rate = 1e20F;
  const std::vector<Sent> sent = bench.run_task(task);
  REQUIRE(sent.size() == 1);
  Message payload;
  const wire::Update update = bench.decoded(sent[0], &payload);
  CHECK(update.outcome == Outcome::kDiverged);
  CHECK((payload.empty() && update.total_bytes == 0 && update.chunk_count == 1));
  CHECK(bench.client->counters().diverged == 1);
  CHECK(bench.client->counters().adapted == 0);
}

TEST_CASE("client: a change that overflows counts as diverged", "[edge][client]") {
  // One weight, phi = -3e38: a step of rate 1 on target 3e38 would end near +3e38, so w - phi is infinite.
  ClientBench bench({{{1, 1, 1}, {dense(1, Train::kBias)}, nn::Loss::kMeanSquaredError}, 65536, 32768, 0});
  bench.samples.counts = {1, 1};
  bench.model.parameters = {0.0F, -3e38F};
  REQUIRE(model::encode(bench.model.model, {bench.model.parameters.data(), 2},
                        {bench.model.file.data(), bench.model.file.size()}, bench.model.digest) == Status::kOk);
  wire::Task task = bench.task();
  task.inner_learning_rate = 1.0F;
  task.passes = 1;
  CHECK(bench.decoded(bench.run_task(task)[0]).outcome == Outcome::kDiverged);
}

TEST_CASE("client: a diverged evaluation task counts the largest loss, the others go on", "[edge][client]") {
  ClientBench bench;
  wire::Task task = bench.evaluation();
  task.inner_learning_rate = 1e20F;
  const wire::Update update = bench.decoded(bench.run_task(task)[0]);
  CHECK(update.outcome == Outcome::kEvaluated);
  CHECK((update.evaluation.tasks == 3 && update.evaluation.diverged_tasks == 3));
  CHECK(update.evaluation.loss_after == 3 * 6 * (std::uint64_t{1} << 40));
  CHECK(update.evaluation.correct_after == 0);
}

TEST_CASE("client: a new task replaces the old in every state", "[edge][client]") {
  ClientBench reference;
  const std::vector<Sent> expected = reference.run_task(reference.task(7));
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  const int state = GENERATE(range(0, 6));
  if (state >= 1) bench.give(bench.task(1));
  if (state == 1) CHECK(bench.give_chunk(1));
  if (state >= 2) bench.give_model();
  if (state == 2) bench.client->work(bench.now);
  if (state >= 3) bench.work();
  if (state >= 4) (void)bench.pump();
  if (state >= 5) bench.reply(bench.task(1), Verdict::kAccepted);
  const ClientState states[] = {ClientState::kIdle,      ClientState::kDownloading, ClientState::kWorking,
                                ClientState::kUploading, ClientState::kWaiting,     ClientState::kFinished};
  REQUIRE(bench.client->state() == states[state]);
  bench.give(bench.task(7));
  (void)bench.pump();
  if (bench.client->state() == ClientState::kDownloading) bench.give_model();
  bench.work();
  CHECK(same_payloads(ClientBench::updates(bench.pump()), expected));
}

TEST_CASE("client: replies that are late, early, odd or not for this task change nothing", "[edge][client]") {
  ClientBench bench;
  bench.connect();
  bench.reply(bench.task(), Verdict::kAccepted);  // no task yet
  CHECK(bench.client->state() == ClientState::kIdle);
  bench.give(bench.task(1));
  bench.reply(bench.task(1), Verdict::kAccepted);  // nothing sent yet
  CHECK(bench.client->state() == ClientState::kDownloading);
  (void)bench.pump();
  bench.give_model();
  bench.reply(bench.task(1), Verdict::kRefused);
  CHECK(bench.client->state() == ClientState::kWorking);
  (void)bench.run();
  bench.reply(bench.task(0), Verdict::kAccepted);
  bench.reply(bench.task(1, 1), Verdict::kAccepted);
  bench.reply(bench.task(1), static_cast<Verdict>(0));
  CHECK(bench.client->state() == ClientState::kWaiting);
  CHECK(bench.client->counters().damaged_messages == 1);
  bench.reply(bench.task(1), Verdict::kRefused);
  CHECK(bench.client->state() == ClientState::kFinished);
  CHECK(bench.client->counters().refused_by_coordinator == 1);
  CHECK(bench.client->counters().accepted == 0);
}

TEST_CASE("client: after a reset the model in the slot serves, and the task may come again", "[edge][client]") {
  ClientBench bench;
  const std::vector<Sent> before = bench.run_task(bench.task(4, 1));
  bench.restart();
  bench.client->restore_task({100, 4, 1});
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  CHECK(bench.client->has_model());
  CHECK(bench.client->model().digest == bench.model.digest);
  const std::vector<Sent> after = bench.run_task(bench.task(4, 1));
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(after[i].payload == before[i].payload);
  CHECK(bench.client->counters().adapted == 1);
  CHECK(bench.client->task_id() == wire::RoundId{100, 4, 1});
}

TEST_CASE("client: after a reset older tasks are still refused", "[edge][client][refusal]") {
  ClientBench bench;
  bench.client->restore_task({100, 4, 1});
  bench.connect();
  (void)bench.pump();
  bench.give(bench.task(4, 0));
  const std::vector<Sent> sent = ClientBench::updates(bench.pump());
  REQUIRE(sent.size() == 1);
  CHECK(bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kLowerRound)] == 1);
  bench.give(bench.task(4, 2));
  CHECK(bench.client->state() == ClientState::kDownloading);
}

TEST_CASE("client: a slot whose content is no model is not taken up", "[edge][client]") {
  ClientBench bench;
  CHECK(bench.client->restore_model(1000) != Status::kOk);
  CHECK_FALSE(bench.client->has_model());
  CHECK(bench.client->restore_model(0) == Status::kInvalidArgument);
  CHECK(bench.client->restore_model(static_cast<std::uint32_t>(bench.slot.bytes.size()) + 1) ==
        Status::kInvalidArgument);
  bench.connect();
  bench.give(bench.task());
  CHECK(bench.client->state() == ClientState::kDownloading);
}

TEST_CASE("client: who leaves says so when what is on its way has gone, and nothing after it", "[edge][client]") {
  ClientBench bench;
  bench.connect();
  CHECK_FALSE(bench.client->is_at_rest());  // the birth is due
  (void)bench.pump();
  CHECK(bench.client->is_at_rest());
  bench.give(bench.task());
  CHECK_FALSE(bench.client->is_at_rest());
  bench.give_model();
  bench.work();
  bench.client->leave();
  const std::vector<Sent> sent = bench.pump();
  REQUIRE(sent.size() == 1);
  CHECK((sent[0].kind == ActionKind::kPublish && sent[0].topic == TopicKind::kState && sent[0].retain));
  CHECK(sent[0].payload.empty());
  CHECK(bench.client->has_left());
  bench.client->on_disconnected();
  CHECK_FALSE(bench.client->has_left());  // or the next connection would be left before the broker has accepted it
  bench.connect();                        // the result is sent on it
  const std::vector<Sent> later = bench.pump();
  CHECK(std::any_of(later.begin(), later.end(), [](const Sent& one) {
    return one.kind == ActionKind::kPublish && one.topic == TopicKind::kUpdate;
  }));
}
