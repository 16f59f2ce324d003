/// @file
/// The coordinator's core, fed by hand: what it answers to updates that are forged, late, repeated, torn or absurd.

#include <set>

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using coordinator::Coordinator;
using coordinator::CoordinatorConfig;
using test::kRun;
using Bench = test::CoreBench;

TEST_CASE("core: a round takes one update of each cohort device and steps by their mean", "[coordinator][core]") {
  Bench bench;
  REQUIRE(bench.core.phase() == coordinator::Phase::kTraining);
  REQUIRE(bench.tasks.size() == 2);
  const std::vector<float> before = bench.core.model().parameters();
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.send(first, bench.update_for(first), {1.0F, 0.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  CHECK(bench.core.rounds_done() == 0);
  bench.send(second, bench.update_for(second), {3.0F, 1.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.model().parameters()[0] == before[0] + 2.0F);
  CHECK(bench.core.model().parameters()[1] == before[1] + 0.5F);
  REQUIRE(bench.rounds.size() == 1);
  CHECK(bench.rounds[0].updates == 2);
}

TEST_CASE("core: forged and foreign messages are counted and never answered", "[coordinator][core]") {
  Bench bench;
  const std::string id = bench.first();
  std::vector<std::uint8_t> message = bench.encode(id, bench.update_for(id), {1.0F, 0.0F});
  const std::vector<std::uint8_t> sound = message;
  message[message.size() / 2] ^= 1;
  bench.send(id, message);
  bench.send(id, std::vector<std::uint8_t>{0x08});
  bench.send(id, std::vector<std::uint8_t>{});
  bench.send(bench.second(), sound);  // another device's code
  CHECK(bench.refused(wire::Refusal::kWrongAuthentication) == 4);
  bench.send("stranger", sound);
  CHECK(bench.refused(wire::Refusal::kUnknownDevice) == 1);
  CHECK(bench.replies.empty());
  CHECK(bench.core.rounds_done() == 0);
}

TEST_CASE("core: a repeated update is taken once and answered as before", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const std::string second = bench.second();
  const auto message = bench.encode(first, bench.update_for(first), {1.0F, 0.0F});
  bench.send(first, message);
  bench.send(first, message);
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  CHECK(bench.last_reason() == wire::Refusal::kDuplicate);
  const std::vector<float> before = bench.core.model().parameters();
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(bench.core.model().parameters()[0] == before[0] + 1.0F);
  CHECK(bench.rounds[0].updates == 2);
}

TEST_CASE("core: updates of another run, an old round or a device without a task are refused", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  update.id.run = kRun + 1;
  bench.send(first, update, {1.0F, 0.0F});
  CHECK(bench.last_reason() == wire::Refusal::kNotExpected);
  update = bench.update_for(first);
  update.id.attempt = 7;
  bench.send(first, update, {1.0F, 0.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  for (const char* id : {"a", "b", "c", "d"}) {
    if (bench.tasks.count(id) != 0) continue;
    bench.send(id, bench.update_for(first), {1.0F, 0.0F});
    CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  }
  CHECK(bench.core.rounds_done() == 0);
}

TEST_CASE("core: a device that lies about its shape is refused and replaced", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  const int lie = GENERATE(range(0, 5));
  std::vector<float> change{1.0F, 0.0F};
  if (lie == 0) update.total_bytes = 12;
  if (lie == 1) update.chunk_count = 0;
  if (lie == 2) change = {1.0F, 2.0F, 3.0F};
  if (lie == 3) change = {1.0F};
  if (lie == 4) update.offset = 4;
  bench.send(first, update, change);
  CHECK(bench.refused(wire::Refusal::kWrongShape) == 1);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
  CHECK(bench.tasks.size() == 3);
}

TEST_CASE("core: an update with a residual that nobody has is refused and its device replaced", "[coordinator][core]") {
  Bench bench(std::vector<Override>{{"codec.uplink", "int8:block+ef"}});
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  std::strcpy(update.uplink, "int8:block+ef");
  update.total_bytes = 4;
  update.residual_round = GENERATE(0U, 1U, 3U);        // in the first round there is none
  const std::uint8_t encoded[4] = {0x00, 0x7f, 1, 0};  // 1 * 1.0, 0 * 1.0
  std::vector<float> change(1);
  std::memcpy(change.data(), encoded, sizeof encoded);
  bench.send(first, update, change);
  const bool is_sound = update.residual_round == 0;
  CHECK(bench.last_verdict() == (is_sound ? wire::Verdict::kAccepted : wire::Verdict::kRefused));
  CHECK(bench.refused(wire::Refusal::kMalformed) == (is_sound ? 0 : 1));
  CHECK(bench.events.size() == (is_sound ? 0U : 1U));
}

TEST_CASE("core: an update that is not finite or too large adds nothing, and nobody takes its place",
          "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const std::string second = bench.second();
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1e6F);
  bench.send(first, bench.update_for(first), {bad, 0.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kRefused);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kRefused);
  const std::vector<float> before = bench.core.model().parameters();
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.model().parameters()[0] == before[0] + 1.0F);
}

TEST_CASE("core: what a device says it fetched in vain is counted once, and bounded", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const std::uint64_t before = bench.core.traffic().downlink_bytes;
  std::uint64_t replies = 0;
  bench.observe = [&](const coordinator::Publish& publish) { replies += publish.payload.size(); };
  const auto [said, counted] = GENERATE(table<std::uint32_t, std::uint64_t>({{0, 0}, {20, 1}, {UINT32_MAX, 16}}));
  wire::Update update = bench.update_for(first);
  update.repeated_model_bytes = said;
  update.chunk_count = 2;
  bench.send(first, update, {1.0F});
  update.chunk = 1;
  update.offset = 4;
  bench.send(first, update, {1.0F});
  const std::uint64_t model = bench.core.model().file().size() + wire::kModelHeadBytes;
  CHECK(bench.core.traffic().downlink_bytes - before - replies == (counted == 1 ? 20 : counted * model));
}

TEST_CASE("core: chunks out of order are asked for again", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  update.chunk_count = 2;
  update.chunk = 1;
  update.offset = 4;
  bench.send(first, update, {2.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kResend);
  CHECK(bench.replies.back().second.chunk == 0);
  update.chunk = 0;
  update.offset = 0;
  bench.send(first, update, {1.0F});
  bench.send(first, update, {1.0F});  // again: ignored
  update.chunk = 1;
  update.offset = 4;
  bench.send(first, update, {2.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
}

TEST_CASE("core: a device whose chunks come is not asked again", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  wire::Update update = bench.update_for(first);
  update.chunk_count = 2;
  bench.tasks.clear();
  bench.tick(300);
  bench.send(first, update, {1.0F});
  bench.tick(400);  // a third of the deadline
  CHECK(bench.tasks.size() == 1);
  CHECK(bench.tasks.count(first) == 0);
  bench.tick(700);
  CHECK(bench.tasks.count(first) == 1);
}

TEST_CASE("core: a straggler is replaced after the deadline, and its late update is refused", "[coordinator][core]") {
  Bench bench;
  const std::string first = bench.first();
  const wire::Update late = bench.update_for(first);
  bench.tick(500);
  CHECK(bench.events.empty());
  bench.tick(1000);
  REQUIRE(bench.events.size() == 2);  // both slots
  CHECK(bench.events[0].reason == wire::Refusal::kLate);
  bench.send(first, late, {1.0F, 0.0F});
  CHECK(bench.last_reason() == wire::Refusal::kLate);
}

TEST_CASE("core: an offline device is waited for as long as the experiment says", "[coordinator][core]") {
  Bench bench({{"fleet.offline_ms", "400"}, {"fleet.deadline_ms", "100000"}});
  const std::string first = bench.first();
  const std::string second = bench.second();
  for (const char* id : {"a", "b", "c", "d"}) {
    if (id != first && id != second) bench.birth(id, false);
  }
  bench.tick(100);
  for (const std::string& id : {first, second}) bench.send(id, bench.update_for(id), {1.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);  // the next round has opened, with one of those who are offline
  REQUIRE(bench.events.empty());
  bench.tick(399);
  CHECK(bench.events.empty());
  bench.tick(400);
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
  CHECK(bench.events[0].detail.find("offline") != std::string::npos);
}

TEST_CASE("core: a lost broker does not make an offline device be waited for longer", "[coordinator][core]") {
  Bench bench({{"fleet.offline_ms", "400"}, {"fleet.deadline_ms", "100000"}});
  bench.birth(bench.first(), false);
  bench.tick(100);
  bench.core.on_disconnected();
  bench.now = 5000;
  bench.core.on_connected(bench.now);
  bench.tick(5399);
  CHECK(bench.events.empty());
  bench.tick(5400);
  CHECK(bench.events.size() == 1);
}

TEST_CASE("core: every change that is taken is shown, and no other", "[coordinator][core]") {
  Bench bench;
  std::vector<std::string> taken;
  bench.core.observe_updates([&taken](const coordinator::TakenUpdate& update) {
    CHECK(update.id.round == 0);
    CHECK(update.support_samples == 4);
    CHECK(update.change.size() == 8);
    taken.emplace_back(update.device_id);
  });
  const std::string first = bench.first();
  bench.send(first, bench.update_for(first), {std::numeric_limits<float>::infinity(), 0.0F});
  CHECK(taken.empty());
  const std::string second = bench.second();
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(taken == std::vector<std::string>{second});
}

TEST_CASE("core: a birth with other versions is no device", "[coordinator][core]") {
  Coordinator core(Bench::config());
  core.on_connected(0);
  wire::State state{};
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.versions.arithmetic += 1;
  state.online = true;
  std::uint8_t bytes[128];
  std::size_t written = 0;
  Bench bench;
  const crypto::Key key = bench.key_of("a");
  REQUIRE(wire::encode_state(state, {"a", key}, bytes, written) == Status::kOk);
  core.on_state("a", {bytes, written}, 0);
  CHECK(core.devices_online() == 0);
  CHECK(core.refused()[static_cast<std::size_t>(wire::Refusal::kVersionMismatch)] == 1);
}

TEST_CASE("core: without enough devices nothing starts", "[coordinator][core]") {
  Coordinator core(Bench::config());
  core.on_connected(0);
  CHECK(core.take_actions().empty());
  core.on_time(1000000);
  CHECK(core.phase() == coordinator::Phase::kWaitingForFleet);
}

// ---- revoked devices ------------------------------------------------------------------------------------------------

TEST_CASE("core: models take turns at two places, and nothing is left at the broker", "[coordinator][core]") {
  Bench bench;
  std::set<std::pair<std::uint32_t, std::uint32_t>> kept;
  bench.observe = [&](const coordinator::Publish& publish) {
    if (publish.topic != wire::TopicKind::kModel) return;
    REQUIRE(publish.slot < wire::kModelSlots);
    if (publish.payload.empty()) {
      kept.erase({publish.slot, publish.chunk});
      return;
    }
    kept.emplace(publish.slot, publish.chunk);
    CHECK(load_u64(publish.payload.data()) == crypto::prefix_of(bench.core.model().digest()));
  };
  bench.core.on_connected(0);
  bench.tick(0);
  for (const auto& [id, challenge] : std::map(bench.challenges)) bench.send_birth(id, challenge);
  bench.take();
  std::set<std::uint32_t> slots;
  while (bench.core.phase() != coordinator::Phase::kFinished) {
    REQUIRE(kept.size() == 1);
    const auto [slot, chunk] = *kept.begin();
    slots.insert(slot);
    CHECK(bench.core.publishes(slot, chunk));
    CHECK_FALSE(bench.core.publishes(1 - slot, chunk));
    CHECK_FALSE(bench.core.publishes(slot, chunk + 1));
    CHECK(bench.tasks.at(bench.first()).model_slot <= 1);
    const std::uint32_t round = bench.core.rounds_done();
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (task.round == round && bench.core.rounds_done() == round) {
        CHECK(task.model_slot == slot);
        bench.answer(id);
      }
    }
    REQUIRE(bench.core.rounds_done() == round + 1);
  }
  CHECK(kept.empty());
  CHECK(slots.size() == 2);
  kept = {{0, 0}, {1, 0}};  // the broker was away when the run ended
  bench.core.on_disconnected();
  bench.core.on_connected(1);
  bench.take();
  CHECK(kept.empty());
}
