/// @file
/// A link that takes longer for a model than a patient client waits: nothing is asked for twice that is on its way.

#include <algorithm>
#include <catch2/catch.hpp>

#include "fakes/client_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::TopicKind;

namespace {

/// A model of three chunks, whose probes are answered by the test.
ClientBench& downloading(ClientBench& bench) {
  bench.answers_probes = false;
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  REQUIRE(bench.client->state() == ClientState::kDownloading);
  return bench;
}

BenchOptions three_chunks() {
  BenchOptions options;
  options.net = {{1, 1, 1}, {dense(48), relu(), dense(48), relu(), dense(1)}, nn::Loss::kMeanSquaredError};
  return options;
}

std::size_t probes(const std::vector<Sent>& sent) {
  return static_cast<std::size_t>(
      std::count_if(sent.begin(), sent.end(), [](const Sent& s) { return s.kind == ActionKind::kProbe; }));
}

std::size_t subscriptions(const std::vector<Sent>& sent) {
  return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [](const Sent& s) {
    return s.kind == ActionKind::kSubscribe && s.topic == TopicKind::kModel;
  }));
}

}  // namespace

TEST_CASE("client slow link: a chunk that comes in pieces, hours apart, is not asked for again",
          "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  const std::uint64_t digest = crypto::prefix_of(bench.model.digest);
  for (std::uint32_t offset = 0; offset < 3584; offset += 512) {
    REQUIRE(bench.give_piece({digest, 0, offset, 4096, 512}));
    CHECK(bench.wake().empty());
  }
  CHECK(bench.client->counters().retries == 0);
}

TEST_CASE("client slow link: what is missing is asked for once a ping has shown that it is not on its way",
          "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  REQUIRE(bench.give_chunk(0));
  const auto asked = bench.wake();
  CHECK((probes(asked) == 1 && asked.size() == 1));
  for (int i = 0; i < 3; ++i) CHECK(bench.wake().empty());  // patience while there is no answer
  SECTION("nothing came before the answer") {
    bench.client->on_probe_answered(bench.now);
    CHECK(subscriptions(bench.pump()) == 2);
    CHECK(probes(bench.wake()) == 1);
  }
  SECTION("a piece came before it") {
    REQUIRE(bench.give_piece({crypto::prefix_of(bench.model.digest), 1, 0, 4096, 512}));
    bench.client->on_probe_answered(bench.now);
    CHECK(bench.pump().empty());
    CHECK(probes(bench.wake()) == 1);
  }
  SECTION("a whole chunk came before it: the ping is forgotten") {
    REQUIRE(bench.give_chunk(1));
    bench.client->on_probe_answered(bench.now);
    CHECK(bench.pump().empty());
    CHECK(probes(bench.wake()) == 1);
    bench.client->on_probe_answered(bench.now);
    CHECK(subscriptions(bench.pump()) == 1);
  }
  SECTION("another task came before it: its subscription was made after the ping") {
    ClientBench other(three_chunks());
    bench.model = FakeModel(three_chunks().net, 99);
    bench.give(bench.task(1));
    CHECK(subscriptions(bench.pump()) == 1);
    bench.client->on_probe_answered(bench.now);
    CHECK(bench.pump().empty());
    CHECK(bench.client->state() == ClientState::kDownloading);
  }
  SECTION("the connection was lost before it") {
    bench.client->on_disconnected();
    bench.connect();
    CHECK(subscriptions(bench.pump()) == 2);
    bench.client->on_probe_answered(bench.now);
    CHECK(bench.pump().empty());
  }
}

TEST_CASE("client slow link: the update says what came of the model and was not needed", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  const std::uint64_t digest = crypto::prefix_of(bench.model.digest);
  std::uint32_t repeated = 0;
  SECTION("nothing") { REQUIRE(bench.give_chunk(0)); }
  SECTION("a chunk twice") {
    REQUIRE(bench.give_chunk(0));
    CHECK_FALSE(bench.give_chunk(0));
    repeated = 4096 + wire::kModelHeadBytes;
  }
  SECTION("half a chunk, before the connection was lost") {
    REQUIRE(bench.give_piece({digest, 0, 0, 4096, 2048}));
    bench.client->on_disconnected();
    bench.connect();
    (void)bench.pump();
    REQUIRE(bench.give_chunk(0));
    repeated = 2048 + wire::kModelHeadBytes;
  }
  SECTION("of another model: it is no part of this one") {
    CHECK_FALSE(bench.give_piece({digest + 1, 0, 0, 4096, 4096}));
    REQUIRE(bench.give_chunk(0));
  }
  REQUIRE(bench.give_chunk(1));
  REQUIRE(bench.give_chunk(2));
  const std::vector<Sent> sent = bench.updates(bench.run());
  REQUIRE_FALSE(sent.empty());
  CHECK(bench.decoded(sent.back()).repeated_model_bytes == repeated);
}

namespace {

/// Publishes the whole result; each chunk takes `ms`. How many chunks it had.
std::uint32_t upload(ClientBench& bench, std::uint64_t ms) {
  for (Sent sent;;) {
    if (!bench.next(sent)) return 0;
    if (sent.topic != TopicKind::kUpdate) continue;
    const wire::Update update = bench.decoded(sent);
    bench.now += ms;
    bench.client->on_published(bench.now);
    if (update.chunk + 1 == update.chunk_count) return update.chunk_count;
  }
}

wire::Task float32(const ClientBench& bench, std::uint32_t round) {
  wire::Task task = bench.task(round);
  std::strcpy(task.uplink, "float32");
  task.chunk_bytes = 0;
  return task;
}

}  // namespace

TEST_CASE("client slow link: chunks of an update are as large as the link carries", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  bench.give_model();
  (void)bench.run();
  const std::size_t bytes = 4 * (48 + 48 + 48 * 48 + 48 + 48 + 1);
  std::uint32_t round = 1;
  const auto chunks = [&](std::uint64_t ms) {
    bench.give(float32(bench, round++));
    bench.work();
    return upload(bench, ms);
  };
  const auto of = [&](std::size_t size) { return static_cast<std::uint32_t>((bytes + size - 1) / size); };
  CHECK(chunks(100) == of(4096));
  CHECK(chunks(2000) == of(4096));  // neither slow nor fast
  for (const std::size_t size : {4096U, 2048U, 1024U, 512U}) CHECK(chunks(5000) == of(size));
  CHECK(chunks(5000) == of(256));
  CHECK(chunks(2000) == of(256));  // not below
  for (const std::size_t size : {256U, 512U, 1024U, 2048U, 4096U, 4096U}) CHECK(chunks(500) == of(size));
}

TEST_CASE("client slow link: a chunk that is lost with its connection is sent in halves", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  bench.give_model();
  (void)bench.run();
  bench.give(float32(bench, 1));
  bench.work();
  Sent sent;
  REQUIRE(bench.next(sent));
  const std::uint32_t whole = bench.decoded(sent).chunk_count;
  const auto reconnect = [&] {
    bench.client->on_disconnected();
    bench.connect();
    while (bench.next(sent) && sent.topic != TopicKind::kUpdate) {
      if (sent.kind == ActionKind::kPublish) bench.client->on_published(bench.now);
    }
    return bench.decoded(sent);
  };
  const std::uint32_t halves = reconnect().chunk_count;
  CHECK((halves == 2 * whole || halves + 1 == 2 * whole));
  CHECK(reconnect().chunk_count > halves);
  SECTION("what was acknowledged is not cut again, unless what follows is lost twice") {
    const wire::Update before = bench.decoded(sent);
    bench.client->on_published(bench.now + 2000);
    REQUIRE(bench.next(sent));
    const wire::Update after = reconnect();
    CHECK((after.chunk == 1 && after.chunk_count == before.chunk_count));
    const wire::Update anew = reconnect();
    CHECK((anew.chunk == 0 && anew.chunk_count > before.chunk_count));
  }
}

TEST_CASE("client slow link: a result that is only repeated is sent as it was", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  bench.give_model();
  (void)bench.run();
  wire::Task task = bench.task(1);
  std::strcpy(task.uplink, "sign");
  task.chunk_bytes = 0;
  bench.give(task);
  bench.work();
  REQUIRE(upload(bench, 9000) == 1);  // slow, and nobody answers
  for (int i = 0; i < 3; ++i) {
    const std::vector<Sent> again = bench.updates(bench.wake());
    REQUIRE(again.size() == 1);
    CHECK(bench.decoded(again[0]).chunk_count == 1);
  }
}

TEST_CASE("client slow link: what of an older result is acknowledged is nothing of the next", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  bench.give_model();
  (void)bench.run();
  bench.give(float32(bench, 1));
  bench.work();
  Sent sent;
  REQUIRE(bench.next(sent));  // its first chunk is on its way
  bench.give(float32(bench, 2));
  bench.now += 9000;
  bench.client->on_published(bench.now);
  bench.work();
  const std::vector<Sent> chunks = bench.updates(bench.pump());
  REQUIRE(chunks.size() > 1);
  CHECK(bench.decoded(chunks[0]).id.round == 2);
  CHECK(bench.change(chunks).size() == bench.decoded(chunks[0]).total_bytes);
}

TEST_CASE("client slow link: a chunk whose reply came before its acknowledgement is not lost later",
          "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  bench.give_model();
  (void)bench.run();
  const wire::Task first = float32(bench, 1);
  bench.give(first);
  bench.work();
  const std::uint32_t whole = upload(bench, 2000);
  bench.give(first);  // the last chunk again
  Sent sent;
  REQUIRE(bench.next(sent));
  bench.reply(first, wire::Verdict::kAccepted);
  bench.client->on_published(bench.now);
  bench.client->on_disconnected();
  bench.connect();
  (void)bench.pump();
  bench.give(float32(bench, 2));
  bench.work();
  CHECK(upload(bench, 2000) == whole);
}

TEST_CASE("client slow link: the time of a task ends it, whatever is unanswered", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  for (int i = 0; i < 100 && bench.client->state() == ClientState::kDownloading; ++i) (void)bench.wake();
  CHECK(bench.client->state() == ClientState::kIdle);
}
