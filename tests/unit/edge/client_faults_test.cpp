/// @file
/// Lost connections at every step, storage that comes back, and garbage on every input.

#include <catch2/catch.hpp>
#include <random>

#include "fakes/client_bench.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::TopicKind;
using wire::Verdict;

namespace {

/// Carries a client to the end of its task, whatever it still has to do.
std::vector<Sent> finish(ClientBench& bench) {
  std::vector<Sent> uploaded;
  for (int turn = 0; turn < 50 && bench.client->state() != ClientState::kWaiting; ++turn) {
    for (const Sent& sent : ClientBench::updates(bench.pump())) uploaded.push_back(sent);
    for (std::uint32_t chunk = 0; chunk < bench.model_chunks(); ++chunk) (void)bench.give_chunk(chunk);
    bench.work();
  }
  return uploaded;
}

/// Publishes up to so many chunks of the update, which the broker acknowledges; all actions before them are taken too.
void upload(ClientBench& bench, std::size_t chunks) {
  Sent sent;
  while (chunks > 0 && bench.next(sent)) {
    if (sent.topic == TopicKind::kUpdate) --chunks;
    if (sent.kind == ActionKind::kPublish) bench.client->on_published(bench.now);
  }
}

std::vector<Sent> from(const std::vector<Sent>& all, std::size_t first) {
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.end()};
}

std::size_t births(const std::vector<Sent>& sent) {
  std::size_t count = 0;
  for (const Sent& s : sent) count += s.topic == TopicKind::kState ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("client: a lost connection in any state ends with the same bytes", "[edge][client][faults]") {
  ClientBench reference;
  const std::vector<Sent> expected = reference.run_task(reference.task());
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  bench.give(bench.task());
  const int state = GENERATE(range(0, 7));
  CAPTURE(state);
  std::vector<Sent> uploaded;
  Sent in_flight;
  if (state >= 1) (void)bench.pump();
  if (state == 2) CHECK(bench.give_chunk(1));
  if (state >= 3) bench.give_model();
  if (state == 3) bench.client->work(bench.now);
  if (state >= 4) bench.work();
  if (state == 5) {  // one chunk has left, the second is in flight
    upload(bench, 1);
    REQUIRE(bench.next(in_flight));
  }
  if (state == 6) (void)bench.pump();
  bench.client->on_disconnected();
  CHECK(bench.pump().empty());
  if (bench.client->has_work()) bench.work();  // work goes on without a connection
  bench.now += 3600;
  bench.connect();
  const std::vector<Sent> sent = bench.pump();
  CHECK(births(sent) == 1);
  uploaded = ClientBench::updates(sent);
  for (const Sent& s : finish(bench)) uploaded.push_back(s);
  const std::size_t had_left = state == 5 ? 1 : state == 6 ? expected.size() - 1 : 0;
  CHECK(same_payloads(uploaded, from(expected, had_left)));
  CHECK(bench.client->counters().adapted == 1);
}

TEST_CASE("client: an upload of many chunks gets to its end over a connection that breaks after every other",
          "[edge][client][faults]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.chunk_bytes = 48;
  const std::vector<Sent> all = bench.run_task(task);
  REQUIRE(all.size() == 25);
  ClientBench broken;
  broken.connect();
  broken.give(task);
  (void)broken.pump();
  broken.give_model();
  broken.work();
  std::vector<Sent> arrived;
  for (int connection = 0; connection < 20; ++connection) {
    Sent sent;
    for (int chunks = 0; chunks < 2 && broken.next(sent);) {
      if (sent.topic == TopicKind::kUpdate) {
        arrived.push_back(sent);
        ++chunks;
      }
      broken.client->on_published(broken.now);
    }
    if (broken.client->state() == ClientState::kWaiting) break;
    broken.client->on_disconnected();
    broken.now += 60000;
    broken.connect();
    broken.give(task);  // as the coordinator does when a device is born again
  }
  CHECK(same_payloads(arrived, all));
}

TEST_CASE("client: a task that comes again brings its time with it", "[edge][client][faults]") {
  ClientBench bench;
  wire::Task task = bench.task();
  task.time_left_ms = 10000;
  const std::vector<Sent> all = bench.run_task(task);
  bench.now += 20000;  // over: nobody answered
  bench.client->on_time(bench.now);
  REQUIRE(bench.client->state() == ClientState::kFinished);
  bench.give(task);  // the coordinator is back, and gives it as long again
  CHECK(same_payloads(ClientBench::updates(bench.pump()), from(all, all.size() - 1)));
  CHECK(same_payloads(bench.wake(), from(all, all.size() - 1)));  // it goes on asking
  CHECK(bench.client->state() == ClientState::kWaiting);
}

TEST_CASE("client: a birth says that the battery has become low, once", "[edge][client]") {
  ClientBench bench;
  bench.connect();
  CHECK(births(bench.pump()) == 1);
  const auto births_at = [&bench](std::uint32_t percent) {
    bench.health.battery_percent = percent;
    return births(bench.pump());
  };
  CHECK(births_at(21) == 0);
  CHECK(births_at(20) == 1);
  CHECK(births_at(3) == 0);
  CHECK(births_at(25) == 0);  // no message for each time that it goes up and down by a little
  CHECK(births_at(26) == 1);
  CHECK(births_at(255) == 0);
  CHECK(births_at(20) == 1);
}

TEST_CASE("client: a coordinator that forgot the chunks gets them all again", "[edge][client][faults]") {
  ClientBench bench;
  const std::vector<Sent> all = bench.run_task(bench.task());
  bench.client->on_disconnected();
  bench.connect();
  CHECK(same_payloads(ClientBench::updates(bench.pump()), from(all, all.size() - 1)));
  bench.reply(bench.task(), Verdict::kResend, 0);
  CHECK(same_payloads(bench.run(), all));
}

TEST_CASE("client: a finished client that reconnects says nothing but its birth", "[edge][client][faults]") {
  ClientBench bench;
  (void)bench.run_task(bench.task());
  bench.reply(bench.task(), Verdict::kAccepted);
  bench.client->on_disconnected();
  bench.connect();
  const std::vector<Sent> sent = bench.pump();
  CHECK(sent.size() == 4);  // and three subscriptions
  CHECK(births(sent) == 1);
  CHECK(bench.client->state() == ClientState::kFinished);
}

TEST_CASE("client: after a reconnection only what is missing is asked for, once", "[edge][client][faults]") {
  ClientBench bench;
  bench.connect();
  bench.give(bench.task());
  (void)bench.pump();
  const bool has_one = GENERATE(true, false);
  if (has_one) CHECK(bench.give_chunk(0));
  bench.client->on_disconnected();
  bench.connect();
  std::vector<std::uint32_t> asked;
  for (const Sent& sent : bench.pump()) {
    if (sent.kind == ActionKind::kSubscribe && sent.topic == TopicKind::kModel) asked.push_back(sent.chunk);
  }
  CHECK(asked == std::vector<std::uint32_t>{has_one ? 1U : wire::kAllChunks});
}

TEST_CASE("client: the clock does not run against a client without a connection", "[edge][client][faults]") {
  ClientBench bench;
  (void)bench.run_task(bench.task());
  bench.client->on_disconnected();
  for (int i = 0; i < 5; ++i) CHECK(bench.wake().empty());
  CHECK(bench.client->counters().retries == 0);
  CHECK(bench.client->state() == ClientState::kWaiting);
}

TEST_CASE("client: storage that fails while chunks are sent is tried again", "[edge][client][faults]") {
  ClientBench bench;
  const std::vector<Sent> first = bench.run_task(bench.task());
  bench.slot.readable = false;
  bench.reply(bench.task(), Verdict::kResend, 0);
  const std::vector<Sent> broken = bench.pump();
  CHECK(broken.size() < first.size());
  bench.slot.readable = true;
  CHECK(same_payloads(bench.wake(), first));
}

TEST_CASE("client: garbage on any input changes nothing", "[edge][client][faults]") {
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  std::mt19937 random(GENERATE(range(0U, 5U)));
  const int state = GENERATE(range(0, 4));
  if (state >= 1) bench.give(bench.task());
  if (state >= 2) {
    (void)bench.pump();
    bench.give_model();
  }
  if (state >= 3) (void)bench.run();
  const ClientState before = bench.client->state();
  for (int i = 0; i < 500; ++i) {
    Message garbage(random() % 300);
    for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
    bench.client->on_task(view(garbage), bench.now);
    bench.client->on_reply(view(garbage), bench.now);
    edge::ModelPiece piece;
    piece.model = random();
    piece.chunk = static_cast<std::uint32_t>(random());
    piece.offset = static_cast<std::uint32_t>(random());
    piece.chunk_bytes = static_cast<std::uint32_t>(random());
    piece.piece_bytes = static_cast<std::uint32_t>(random());
    edge::ModelWrite write;
    CHECK_FALSE(bench.client->on_model_bytes(piece, write));
    piece.model = crypto::prefix_of(bench.model.digest);
    CHECK_FALSE(bench.client->on_model_bytes(piece, write));
    bench.client->on_published(bench.now);  // nothing was in flight
  }
  CHECK(bench.client->state() == before);
  CHECK(bench.client->counters().wrong_authentication == 1000);
  CHECK(bench.client->counters().tasks == (state >= 1 ? 1U : 0U));
}

TEST_CASE("client: authentic garbage is counted, not believed", "[edge][client][faults]") {
  ClientBench bench;
  bench.connect();
  (void)bench.pump();
  const auto sealed = [&bench](Message bytes, const std::string& label) {
    const std::uint8_t zero[1] = {0};
    const std::string id = bench.identity.device_id;
    const Bytes parts[] = {{reinterpret_cast<const std::uint8_t*>(label.data()), label.size()},
                           Bytes(zero),
                           {reinterpret_cast<const std::uint8_t*>(id.data()), id.size()},
                           Bytes(zero),
                           view(bytes)};
    const crypto::Digest digest = crypto::hmac_sha256(bench.identity.key, parts);
    bytes.insert(bytes.end(), digest.bytes, digest.bytes + crypto::kTagBytes);
    return bytes;
  };
  bench.client->on_task(view(sealed({0xff, 0xff}, "skink/1/task")), bench.now);
  bench.client->on_reply(view(sealed({0xff, 0xff}, "skink/1/reply")), bench.now);
  CHECK(bench.client->counters().damaged_messages == 2);
  bench.client->on_task(view(sealed({}, "skink/1/task")), bench.now);  // all fields absent: no versions
  CHECK(bench.refusal(bench.pump()).refusal == wire::Refusal::kVersionMismatch);
  CHECK(bench.client->state() == ClientState::kIdle);
}
