/// @file
/// The coordinator's core, fed by hand: what it answers to updates that are forged, late, repeated, torn or absurd.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "skink/common/little_endian.hpp"
#include "skink/coordinator/core/coordinator.hpp"

using namespace skink;
using coordinator::Coordinator;
using coordinator::CoordinatorConfig;

namespace {

constexpr const char* kExperiment = R"(
name = "core"
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 4
[meta]
strategy = "tinyreptile"
rounds = 3
cohort = 2
inner_learning_rate = 0.01
meta_learning_rate = 1.0
meta_learning_rate_final = 1.0
[evaluation]
tasks = 0
[fleet]
devices = 4
deadline_ms = 1000
)";

constexpr std::uint64_t kRun = 9;

/// A core with four devices that are born, and hands to talk to it.
class Bench {
 public:
  explicit Bench(const std::vector<Override>& overrides = {}) : core(config(overrides)) {
    core.on_connected(0);
    for (const char* id : {"a", "b", "c", "d"}) birth(id);
    take();
  }

  static CoordinatorConfig config(const std::vector<Override>& overrides = {}) {
    CoordinatorConfig config;
    const auto parsed = parse_experiment(kExperiment, "core.toml", overrides);
    if (!parsed) FAIL(parsed.error().message);
    config.experiment = *parsed;
    config.run = kRun;
    return config;
  }

  /// @param[in] model  as State::model; 0: none
  void birth(const std::string& id, bool online = true, std::uint64_t model = 0) {
    wire::State state{};
    state.has_versions = true;
    state.versions = wire::own_versions();
    state.online = online;
    state.model = model;
    std::uint8_t bytes[128];
    std::size_t written = 0;
    REQUIRE(wire::encode_state(state, bytes, written) == Status::kOk);
    core.on_state(id, {bytes, written}, now);
  }

  /// Takes the actions; remembers tasks and the last reply of each device.
  void take() {
    for (auto& action : core.take_actions()) {
      if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) events.push_back(event->event);
      if (const auto* round = std::get_if<coordinator::CommitRound>(&action)) rounds.push_back(round->record);
      const auto* publish = std::get_if<coordinator::Publish>(&action);
      if (publish == nullptr) continue;
      const Bytes bytes{publish->payload.data(), publish->payload.size()};
      const wire::Key key = key_of(publish->device_id);
      const wire::Identity identity{publish->device_id.c_str(), key};
      if (publish->topic == wire::TopicKind::kTask) {
        wire::Task task{};
        REQUIRE(wire::decode_task(bytes, identity, task) == Status::kOk);
        tasks[publish->device_id] = task;
      }
      if (publish->topic == wire::TopicKind::kPatch) patches[publish->device_id] = publish->payload;
      if (publish->topic == wire::TopicKind::kReply) {
        wire::Reply reply{};
        REQUIRE(wire::decode_reply(bytes, identity, reply) == Status::kOk);
        replies.emplace_back(publish->device_id, reply);
      }
    }
  }

  wire::Key key_of(const std::string& id) const {
    return wire::device_key(config().master_key, {reinterpret_cast<const std::uint8_t*>(id.data()), id.size()});
  }

  wire::Update update_for(const std::string& id) const {
    const wire::Task& task = tasks.at(id);
    wire::Update update;
    update.id = wire::id_of(task);
    update.outcome = wire::Outcome::kAdapted;
    update.total_bytes = 8;
    update.support_samples = 4;
    std::strcpy(update.uplink, "float32");
    return update;
  }

  std::vector<std::uint8_t> encode(const std::string& id, const wire::Update& update,
                                   const std::vector<float>& change) const {
    std::vector<std::uint8_t> payload(change.size() * sizeof(float));
    std::memcpy(payload.data(), change.data(), payload.size());
    struct Source {
      const std::vector<std::uint8_t>* bytes;
      std::size_t offset;
    } source{&payload, 0};
    const wire::PayloadSource stream{&source,
                                     [](void* context, MutableBytes out) {
                                       auto& from = *static_cast<Source*>(context);
                                       std::memcpy(out.data(), from.bytes->data() + from.offset, out.size());
                                       from.offset += out.size();
                                       return Status::kOk;
                                     },
                                     payload.size()};
    std::vector<std::uint8_t> message(1024);
    std::size_t written = 0;
    const wire::Identity identity{id.c_str(), key_of(id)};
    REQUIRE(wire::encode_update(update, stream, identity, {message.data(), message.size()}, written) == Status::kOk);
    message.resize(written);
    return message;
  }

  void send(const std::string& id, const std::vector<std::uint8_t>& message) {
    core.on_update(id, {message.data(), message.size()}, now);
    take();
  }
  void send(const std::string& id, const wire::Update& update, const std::vector<float>& change) {
    send(id, encode(id, update, change));
  }
  /// The update that a device's last task asks for.
  void answer(const std::string& id) { send(id, update_for(id), {1.0F, 0.0F}); }
  void revoke(const coordinator::RevokedIds& ids) {
    core.revoke(ids, now);
    take();
  }
  void tick(std::uint64_t to) {
    now = to;
    core.on_time(now);
    take();
  }

  std::uint64_t refused(wire::Refusal reason) const { return core.refused()[static_cast<std::size_t>(reason)]; }
  wire::Refusal last_reason() const { return static_cast<wire::Refusal>(replies.back().second.reason); }
  wire::Verdict last_verdict() const { return static_cast<wire::Verdict>(replies.back().second.verdict); }
  std::string first() const { return tasks.begin()->first; }
  std::string second() const { return std::next(tasks.begin())->first; }

  std::uint64_t now = 0;
  Coordinator core;
  std::map<std::string, wire::Task> tasks;
  std::map<std::string, std::vector<std::uint8_t>> patches;
  std::vector<std::pair<std::string, wire::Reply>> replies;
  std::vector<coordinator::TranscriptEvent> events;
  std::vector<coordinator::RoundRecord> rounds;
};

}  // namespace

TEST_CASE("core: a round takes one update of each cohort device and steps by their mean", "[coordinator][core]") {
  Bench bench;
  REQUIRE(bench.core.phase() == coordinator::Phase::kTraining);
  REQUIRE(bench.tasks.size() == 2);
  const std::vector<float> before = bench.core.parameters();
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.send(first, bench.update_for(first), {1.0F, 0.0F});
  CHECK(bench.last_verdict() == wire::Verdict::kAccepted);
  CHECK(bench.core.rounds_done() == 0);
  bench.send(second, bench.update_for(second), {3.0F, 1.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.parameters()[0] == before[0] + 2.0F);
  CHECK(bench.core.parameters()[1] == before[1] + 0.5F);
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
  const std::vector<float> before = bench.core.parameters();
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(bench.core.parameters()[0] == before[0] + 1.0F);
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
  const std::vector<float> before = bench.core.parameters();
  bench.send(second, bench.update_for(second), {1.0F, 0.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.parameters()[0] == before[0] + 1.0F);
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
  REQUIRE(wire::encode_state(state, bytes, written) == Status::kOk);
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

TEST_CASE("core: a revoked device does not enter the roster", "[coordinator][core][revoked]") {
  Bench bench(std::vector<Override>{{"fleet.devices", "5"}});
  REQUIRE(bench.core.phase() == coordinator::Phase::kWaitingForFleet);
  bench.revoke({"b", "e", "stranger"});
  CHECK(bench.core.devices_online() == 3);
  bench.birth("e");
  bench.birth("b");
  CHECK(bench.core.devices_online() == 3);
  CHECK(bench.refused(wire::Refusal::kRevoked) == 2);
  bench.birth("f");
  bench.birth("g");
  bench.take();
  CHECK(bench.core.roster() == std::vector<std::string>{"a", "c", "d", "f", "g"});
  bench.birth("e");  // nor does it join late
  bench.take();
  CHECK(bench.events.empty());
  CHECK(bench.replies.empty());
}

TEST_CASE("core: the slot of a revoked device goes to the next one at once, and it is never asked again",
          "[coordinator][core][revoked]") {
  Bench bench;
  const std::string revoked = bench.first();
  const std::string other = bench.second();
  const auto message = bench.encode(revoked, bench.update_for(revoked), {1.0F, 0.0F});
  bench.revoke({revoked});
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
  CHECK(bench.events[0].reason == wire::Refusal::kRevoked);
  CHECK(bench.events[0].detail == revoked + ": revoked");
  CHECK(bench.tasks.size() == 3);
  bench.send(revoked, message);
  bench.birth(revoked);
  bench.birth(revoked, false);
  bench.take();
  CHECK(bench.refused(wire::Refusal::kRevoked) == 3);
  CHECK(bench.replies.empty());
  const std::string heir = bench.core.roster()[bench.events[0].device_index];
  CHECK(heir != other);
  bench.answer(heir);
  bench.answer(other);
  CHECK(bench.core.rounds_done() == 1);
  bench.tasks.erase(revoked);
  for (std::uint32_t round = 1; round < 3; ++round) {
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (task.round == round) bench.answer(id);
    }
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
  CHECK(bench.tasks.count(revoked) == 0);
  for (const auto& event : bench.events) CHECK(event.reason == wire::Refusal::kRevoked);
}

TEST_CASE("core: what was accepted before a revocation stays", "[coordinator][core][revoked]") {
  Bench bench;
  const std::vector<float> before = bench.core.parameters();
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.send(first, bench.update_for(first), {1.0F, 0.0F});
  bench.revoke({first});
  CHECK(bench.events.empty());
  bench.send(second, bench.update_for(second), {3.0F, 0.0F});
  CHECK(bench.core.rounds_done() == 1);
  CHECK(bench.core.parameters()[0] == before[0] + 2.0F);
}

TEST_CASE("core: a revocation that leaves nothing open closes the round", "[coordinator][core][revoked]") {
  Bench bench;
  const std::string first = bench.first();
  const std::string second = bench.second();
  bench.answer(first);
  coordinator::RevokedIds others = {"a", "b", "c", "d"};
  others.erase(first);
  bench.revoke(others);
  CHECK(bench.core.rounds_done() == 1);
  REQUIRE_FALSE(bench.events.empty());
  const auto dropped = std::find_if(bench.events.begin(), bench.events.end(), [](const auto& event) {
    return event.round == 0 && event.kind == coordinator::EventKind::kDropped;
  });
  REQUIRE(dropped != bench.events.end());
  CHECK(dropped->reason == wire::Refusal::kRevoked);
  CHECK(bench.rounds[0].updates == 1);
  for (std::uint32_t round = 1; round < 3; ++round) {  // the last one goes on alone
    REQUIRE(bench.tasks.at(first).round == round);
    bench.answer(first);
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
}

TEST_CASE("core: the only hope of a round is revoked, and one that was passed over takes its place",
          "[coordinator][core][revoked]") {
  Bench bench;
  for (const std::string& id : bench.core.roster()) bench.birth(id, false);
  bench.tick(3000);  // both slots pass over everybody; one is dropped, the other's device asked again after a pause
  bench.tasks.clear();
  bench.tick(bench.core.next_wake_ms());
  REQUIRE(bench.tasks.size() == 1);
  const std::string hope = bench.first();
  bench.tasks.clear();
  bench.events.clear();
  bench.revoke({hope});
  REQUIRE(bench.events.size() == 1);
  const std::string heir = bench.core.roster()[bench.events[0].device_index];
  CHECK(heir != hope);
  CHECK(bench.tasks.empty());  // it is offline
  bench.birth(heir);
  bench.take();
  REQUIRE(bench.tasks.count(heir) == 1);
  bench.answer(heir);
  CHECK(bench.core.rounds_done() == 1);
}

TEST_CASE("core: when every device is revoked the run waits, and asks nobody", "[coordinator][core][revoked]") {
  Bench bench;
  bench.tasks.clear();
  bench.revoke({"a", "b", "c", "d"});
  const std::size_t events = bench.events.size();
  CHECK(events <= 4);
  for (int i = 0; i < 20; ++i) bench.tick(bench.core.next_wake_ms());
  bench.core.on_disconnected();
  bench.core.on_connected(bench.now);
  bench.take();
  CHECK(bench.tasks.empty());
  CHECK(bench.events.size() == events);
  CHECK(bench.core.rounds_done() == 0);
  CHECK(bench.core.phase() == coordinator::Phase::kTraining);
}

TEST_CASE("core: a revoked device that is held out is missing at once", "[coordinator][core][revoked]") {
  const std::vector<Override> overrides = {
      {"fleet.held_out", "2"}, {"evaluation.tasks", "4"}, {"evaluation.query_size", "2"}, {"evaluation.every", "0"}};
  const auto is_missing = [](const auto& event) {
    return event.kind == coordinator::EventKind::kMissing && event.reason == wire::Refusal::kRevoked;
  };
  SECTION("while it is asked") {
    Bench bench(overrides);
    REQUIRE(bench.core.phase() == coordinator::Phase::kEvaluating);
    bench.revoke({bench.first(), bench.second()});
    CHECK(std::count_if(bench.events.begin(), bench.events.end(), is_missing) == 2);
    CHECK(bench.core.phase() == coordinator::Phase::kTraining);
  }
  SECTION("before it is asked") {
    Bench first(overrides);
    const std::string held_out = first.first();
    coordinator::RunSnapshot snapshot;
    snapshot.run = kRun;
    snapshot.roster = first.core.roster();
    Coordinator again(Bench::config(overrides), &snapshot);
    again.revoke({held_out}, 0);
    again.on_connected(0);
    std::size_t tasks = 0;
    std::size_t missing = 0;
    for (const auto& action : again.take_actions()) {
      if (const auto* publish = std::get_if<coordinator::Publish>(&action)) {
        CHECK(publish->device_id != held_out);
        tasks += publish->topic == wire::TopicKind::kTask ? 1U : 0U;
      }
      if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) missing += is_missing(event->event);
    }
    CHECK(tasks == 1);
    CHECK(missing == 1);
  }
}

TEST_CASE("core: a device that has one of the last models gets the way from there", "[coordinator][core][downlink]") {
  Bench bench(std::vector<Override>{{"codec.downlink", "int8"}});
  const std::uint64_t old = wire::prefix_of(bench.core.model_digest());
  const std::string answered = bench.first();
  const std::string other = bench.second();
  CHECK((bench.tasks[answered].patch_bytes == 0 && bench.tasks[other].patch_bytes == 0));
  bench.answer(answered);
  const wire::Update last = bench.update_for(other);
  bench.tasks.clear();
  bench.send(other, last, {1.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);
  for (const auto& [id, task] : bench.tasks) {
    const bool has_old = id == answered || id == other;
    CHECK((task.patch_bytes != 0) == has_old);
    CHECK((bench.patches.count(id) != 0) == has_old);
  }
  const std::string id = bench.first();
  bench.birth(id, true, old);
  bench.take();
  const wire::Task told = bench.tasks[id];
  CHECK(told.patch_base == old);
  const std::vector<std::uint8_t>& part = bench.patches[id];
  REQUIRE(part.size() == wire::kPatchHeadBytes + told.patch_bytes);
  CHECK(load_u64(part.data()) == wire::prefix_of(bench.core.model_digest()));
  CHECK(load_u32(part.data() + 8) == 0);
  CHECK(std::string(part.begin() + wire::kPatchHeadBytes, part.begin() + wire::kPatchHeadBytes + 5) == "\4int8");
  SECTION("not in a reminder") {
    bench.tasks.clear();
    bench.tick(bench.core.next_wake_ms());
    REQUIRE(bench.tasks.count(id) == 1);
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
  SECTION("not from a model that nobody knows, or from none") {
    bench.birth(id, true, GENERATE(0U, 123U));
    bench.take();
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
  SECTION("not when it has the newest") {
    bench.birth(id, true, wire::prefix_of(bench.core.model_digest()));
    bench.take();
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
}

TEST_CASE("core: patches are kept while together they are shorter than the model", "[coordinator][core][downlink]") {
  coordinator::PatchBook book("int8", 100);
  const auto digest = [](std::uint8_t round) {
    wire::Digest made;
    made.bytes[0] = static_cast<std::uint8_t>(round + 1);
    return made;
  };
  for (std::uint8_t round = 0; round < 5; ++round)
    book.add({round, digest(round), std::vector<std::uint8_t>(30, round)});
  REQUIRE(book.patches().size() == 3);  // of 31 bytes with their lengths
  CHECK(book.patches().front().round == 2);
  CHECK(book.find(wire::prefix_of(digest(1))) == nullptr);
  CHECK(book.chain_from(digest(1)).empty());
  CHECK(book.chain_from(digest(3)).size() == 1 + 4 + 1 + 2 * 31);
  CHECK(book.chain_from(digest(5)).empty());  // the newest
  CHECK(book.chain_from(digest(2)).size() == 1 + 4 + 1 + 3 * 31);
  book.add({5, digest(5), std::vector<std::uint8_t>(100)});
  CHECK(book.patches().empty());
}

TEST_CASE("core: a replay takes no notice of revocations", "[coordinator][core][revoked]") {
  Bench bench;
  coordinator::RunSnapshot snapshot;
  snapshot.run = kRun;
  snapshot.roster = bench.core.roster();
  CoordinatorConfig config = Bench::config();
  config.replay = true;
  Coordinator replay(config, &snapshot);
  replay.revoke({"a", "b", "c", "d"}, 0);
  CHECK_FALSE(replay.is_revoked("a"));
}
