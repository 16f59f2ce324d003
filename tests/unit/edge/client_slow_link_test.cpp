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

TEST_CASE("client slow link: the time of a task ends it, whatever is unanswered", "[edge][client][link]") {
  ClientBench bench(three_chunks());
  downloading(bench);
  for (int i = 0; i < 100 && bench.client->state() == ClientState::kDownloading; ++i) (void)bench.wake();
  CHECK(bench.client->state() == ClientState::kIdle);
}
