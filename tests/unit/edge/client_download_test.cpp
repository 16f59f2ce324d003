/// @file
/// The model download: any order, pieces, duplicates and strangers, losses and the back-off.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "fakes/client_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::TopicKind;

namespace {

/// A model of three chunks.
BenchOptions three_chunks() {
  BenchOptions options;
  options.net = {{1, 1, 1}, {dense(48), relu(), dense(48), relu(), dense(1)}, nn::Loss::kMeanSquaredError};
  return options;
}

void start_download(ClientBench& bench) {
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  REQUIRE(bench.client->state() == ClientState::kDownloading);
}

std::vector<std::uint32_t> chunks_asked_for(const std::vector<Sent>& sent) {
  std::vector<std::uint32_t> chunks;
  for (const Sent& s : sent) {
    if (s.kind == ActionKind::kSubscribe && s.topic == TopicKind::kModel) chunks.push_back(s.chunk);
  }
  return chunks;
}

}  // namespace

TEST_CASE("client download: chunks may come in any order", "[edge][client][download]") {
  std::vector<std::uint32_t> order = {0, 1, 2};
  do {
    ClientBench bench(three_chunks());
    start_download(bench);
    for (const std::uint32_t chunk : order) REQUIRE(bench.give_chunk(chunk));
    REQUIRE(bench.client->state() == ClientState::kWorking);
    REQUIRE(std::equal(bench.model.file.begin(), bench.model.file.end(), bench.slot.bytes.begin()));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("client download: a chunk may come in pieces", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  const auto step = GENERATE(1U, 7U, 1000U, 4095U);
  for (std::uint32_t chunk = 0; chunk < 3; ++chunk) {
    const std::size_t start = chunk * wire::kModelChunkBytes;
    const auto length = static_cast<std::uint32_t>(std::min(wire::kModelChunkBytes, bench.model.file.size() - start));
    for (std::uint32_t offset = 0; offset < length; offset += step) {
      REQUIRE(bench.client->state() == ClientState::kDownloading);
      REQUIRE(bench.give_piece(
          {crypto::prefix_of(bench.model.digest), chunk, offset, length, std::min(step, length - offset)}));
    }
  }
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: chunks are of the size that the task names", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  bench.chunk_bytes = GENERATE(256U, 1056U, 4064U);
  start_download(bench);
  const std::uint64_t digest = crypto::prefix_of(bench.model.digest);
  CHECK_FALSE(bench.give_piece({digest, 0, 0, 4096, 4096}));
  CHECK_FALSE(bench.give_piece({digest, bench.model_chunks(), 0, 100, 100}));
  bench.give_model();
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: the task comes again with another size of chunks", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  REQUIRE(bench.give_chunk(0));
  bench.give(bench.task());  // the same
  CHECK(bench.pump().empty());
  bench.chunk_bytes = 512;
  bench.give(bench.task());
  CHECK_FALSE(bench.pump().empty());  // subscribes anew
  bench.give_model();
  const Message change = bench.change(bench.updates(bench.run()));
  bench.chunk_bytes = 1024;
  bench.give(bench.task());  // the model is there: the same bytes
  CHECK(bench.change(bench.updates(bench.run())) == change);
}

TEST_CASE("client download: a size of chunks that is none is refused", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  bench.connect();
  wire::Task task = bench.task();
  task.model_chunk_bytes = GENERATE(1U, 224U, 1000U, 4128U, 0xffffffe0U);
  bench.give(task);
  CHECK(bench.refusal(bench.run()).refusal == wire::Refusal::kInvalidTask);
}

TEST_CASE("client download: what was not asked for is not wanted", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  CHECK_FALSE(bench.give_chunk(0));  // no task
  start_download(bench);
  const std::uint64_t digest = crypto::prefix_of(bench.model.digest);
  const auto last = static_cast<std::uint32_t>(bench.model.file.size() - 2 * wire::kModelChunkBytes);
  const std::uint64_t stranger = digest ^ 1;
  CHECK_FALSE(bench.give_piece({stranger, 0, 0, 4096, 4096}));
  CHECK_FALSE(bench.give_piece({digest, 3, 0, 4096, 4096}));  // no such chunk
  CHECK_FALSE(bench.give_piece({digest, 0xffffffffU, 0, 4096, 4096}));
  CHECK_FALSE(bench.give_piece({digest, 0, 0, 4095, 4095}));  // shorter than it must be
  CHECK_FALSE(bench.give_piece({digest, 0, 0, 0, 0}));        // a removed chunk
  CHECK_FALSE(bench.give_piece({digest, 0, 0, 8192, 4096}));
  CHECK_FALSE(bench.give_piece({digest, 2, 0, 4096, 4096}));      // the last one is shorter
  CHECK_FALSE(bench.give_piece({digest, 2, 0, last, last + 1}));  // a piece beyond its chunk
  CHECK_FALSE(bench.give_piece({digest, 2, last + 1, last, 0}));
  CHECK_FALSE(bench.give_piece({digest, 2, 0xffffffffU, last, 2}));
  CHECK(bench.give_chunk(0));
  CHECK_FALSE(bench.give_chunk(0));  // twice
  CHECK(bench.give_chunk(1));
  CHECK(bench.give_chunk(2));
  CHECK_FALSE(bench.give_chunk(2));  // working
}

TEST_CASE("client download: a piece that ends up stored after the task changed counts for nothing",
          "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  edge::ModelWrite late;
  REQUIRE(bench.client->on_model_bytes({crypto::prefix_of(bench.model.digest), 0, 0, 4096, 4096}, late));
  ClientBench other(three_chunks());
  other.model = FakeModel(three_chunks().net, 99);
  bench.give(other.task(1));
  bench.client->on_model_stored(late, Status::kOk, bench.now);  // of the old model
  (void)bench.pump();
  bench.model = other.model;
  bench.slot.bytes.assign(bench.slot.bytes.size(), 0);
  CHECK(bench.give_chunk(0));
  CHECK(bench.give_chunk(1));
  CHECK(bench.give_chunk(2));
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: a late completion counts for nothing in the next download", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  edge::ModelWrite late;
  REQUIRE(bench.client->on_model_bytes({crypto::prefix_of(bench.model.digest), 0, 0, 4096, 4096}, late));
  const bool is_other_model = GENERATE(true, false);
  const Status status = GENERATE(Status::kOk, Status::kUnavailable);
  if (is_other_model) bench.model = FakeModel(three_chunks().net, 99);
  bench.give(bench.task(1));  // a new download begins, and its first chunk comes
  (void)bench.pump();
  edge::ModelWrite write;
  REQUIRE(bench.client->on_model_bytes({crypto::prefix_of(bench.model.digest), 0, 0, 4096, 4096}, write));
  bench.client->on_model_stored(late, status, bench.now);
  CHECK(bench.client->state() == ClientState::kDownloading);  // the failure of a write of before is not this task's
  CHECK(bench.give_chunk(1));
  CHECK(bench.give_chunk(2));
  REQUIRE(bench.client->state() == ClientState::kDownloading);  // chunk 0 is being written
  std::memcpy(bench.slot.bytes.data(), bench.model.file.data(), 4096);
  bench.client->on_model_stored(write, Status::kOk, bench.now);
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: writes that end after later pieces came complete their own chunk only",
          "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  edge::ModelWrite first;
  edge::ModelWrite second;
  REQUIRE(bench.client->on_model_bytes({crypto::prefix_of(bench.model.digest), 0, 0, 4096, 2000}, first));
  REQUIRE(bench.client->on_model_bytes({crypto::prefix_of(bench.model.digest), 0, 2000, 4096, 2096}, second));
  bench.client->on_model_stored(first, Status::kOk, bench.now);
  CHECK(bench.wake().empty());  // pieces came
  CHECK(chunks_asked_for(bench.wake()) == std::vector<std::uint32_t>{0, 1, 2});
  bench.client->on_model_stored(second, Status::kOk, bench.now);
  CHECK(chunks_asked_for(bench.wake()) == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("client download: a chunk without its first pieces is not taken for whole", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  const std::uint64_t digest = crypto::prefix_of(bench.model.digest);
  CHECK_FALSE(bench.give_piece({digest, 0, 2000, 4096, 2096}));
  CHECK(bench.give_piece({digest, 0, 0, 4096, 1000}));
  CHECK_FALSE(bench.give_piece({digest, 0, 2000, 4096, 2096}));
  CHECK_FALSE(bench.give_piece({digest, 1, 1000, 4096, 3096}));
  CHECK(bench.give_chunk(1));
  CHECK_FALSE(bench.give_piece({digest, 0, 1000, 4096, 3096}));  // its beginning was of another message
  CHECK(bench.give_chunk(2));
  REQUIRE(bench.client->state() == ClientState::kDownloading);
  CHECK(bench.give_chunk(0));
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: lost chunks are asked for by name", "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  CHECK(bench.give_chunk(1));
  CHECK(bench.pump().empty());  // patience first
  CHECK(chunks_asked_for(bench.wake()) == std::vector<std::uint32_t>{0, 2});
  CHECK(bench.client->counters().retries == 1);
  CHECK(bench.give_chunk(0));
  CHECK(chunks_asked_for(bench.wake()) == std::vector<std::uint32_t>{2});
  CHECK(bench.give_chunk(2));
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client download: every subscription is undone when the model is there, or another is wanted",
          "[edge][client][download]") {
  ClientBench bench(three_chunks());
  start_download(bench);  // subscribes to all
  CHECK(bench.give_chunk(1));
  CHECK(chunks_asked_for(bench.wake()) == std::vector<std::uint32_t>{0, 2});
  const bool another = GENERATE(false, true);
  if (another) {
    ClientBench other(three_chunks());
    other.model = FakeModel(three_chunks().net, 99);
    bench.give(other.task(1));
  } else {
    CHECK(bench.give_chunk(0));
    CHECK(bench.give_chunk(2));
  }
  std::vector<std::uint32_t> undone;
  for (const Sent& sent : bench.pump()) {
    if (sent.kind != ActionKind::kUnsubscribe) break;
    CHECK(sent.slot == bench.task().model_slot);
    undone.push_back(sent.chunk);
  }
  CHECK(undone == std::vector<std::uint32_t>{wire::kAllChunks, 2, 0});
}

TEST_CASE("client: the back-off doubles, is bounded and jittered", "[edge][client][retry]") {
  BenchOptions options = three_chunks();
  const bool uploads = GENERATE(true, false);
  std::set<std::uint64_t> first_waits;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    options.jitter_seed = seed;
    ClientBench bench(options);
    wire::Task task = bench.task();
    task.time_left_ms = 0xffffffffU;
    if (uploads) {
      (void)bench.run_task(task);
    } else {
      bench.connect();
      bench.give(task);
      (void)bench.pump();
    }
    std::uint64_t expected = 4000;
    for (int retry = 0; retry < 12; ++retry) {
      const std::uint64_t wait = bench.client->next_wake_ms() - bench.now;
      CAPTURE(seed, retry);
      REQUIRE(wait >= expected);
      REQUIRE(wait <= expected + expected / 4);
      if (retry == 0) first_waits.insert(wait);
      REQUIRE_FALSE(bench.wake().empty());
      expected = std::min<std::uint64_t>(2 * expected, 60000);
    }
  }
  CHECK(first_waits.size() > 10);  // a fleet does not come back in step
}

TEST_CASE("client: progress shortens the back-off again", "[edge][client][retry]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  for (int i = 0; i < 4; ++i) (void)bench.wake();
  CHECK(bench.client->next_wake_ms() - bench.now > 50000);
  CHECK(bench.give_chunk(0));
  CHECK(bench.client->next_wake_ms() - bench.now <= 5000);
}

TEST_CASE("client download: when the task's time is over, the client gives up and can be asked again",
          "[edge][client][download]") {
  ClientBench bench(three_chunks());
  bench.connect();
  wire::Task task = bench.task(5);
  task.time_left_ms = 10000;
  bench.give(task);
  (void)bench.pump();
  for (int i = 0; i < 10 && bench.client->state() == ClientState::kDownloading; ++i) (void)bench.wake();
  CHECK(bench.client->state() == ClientState::kIdle);
  CHECK(bench.client->next_wake_ms() == edge::Client::kNever);
  CHECK_FALSE(bench.give_chunk(0));
  bench.give(bench.task(4));  // the task is remembered
  CHECK(bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kLowerRound)] == 1);
  (void)bench.pump();
  bench.give(task);
  CHECK(chunks_asked_for(bench.pump()) == std::vector<std::uint32_t>{wire::kAllChunks});
  bench.give_model();
  CHECK(bench.client->state() == ClientState::kWorking);
}

TEST_CASE("client: an upload without reply is asked after, by its last chunk, until the task's time is over",
          "[edge][client][retry]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.time_left_ms = 30000;
  const std::vector<Sent> first = bench.run_task(task);
  int repeats = 0;
  while (bench.client->next_wake_ms() != edge::Client::kNever) {
    const std::vector<Sent> again = bench.wake();
    if (again.empty()) break;
    CHECK(same_payloads(again, {first.back()}));
    REQUIRE(++repeats < 20);
  }
  CHECK(repeats >= 2);
  CHECK(bench.client->state() == ClientState::kFinished);
  bench.give(task);  // the result was kept
  CHECK(same_payloads(bench.pump(), {first.back()}));
  bench.reply(task, wire::Verdict::kResend, 0);
  CHECK(same_payloads(bench.pump(), first));
}

TEST_CASE("client: on_time too early is harmless", "[edge][client][retry]") {
  ClientBench bench(three_chunks());
  start_download(bench);
  const std::uint64_t wake = bench.client->next_wake_ms();
  for (std::uint64_t t = bench.now; t < wake; t += 100) bench.client->on_time(t);
  CHECK(bench.client->next_wake_ms() == wake);
  CHECK(bench.pump().empty());
  CHECK(bench.client->counters().retries == 0);
}
