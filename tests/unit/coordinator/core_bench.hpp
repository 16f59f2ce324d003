#pragma once
/// @file
/// A coordinator's core with four devices, fed by hand.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <limits>

#include "fakes/device_messages.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/coordinator/core/coordinator.hpp"

namespace skink::test {

using coordinator::Coordinator;
using coordinator::CoordinatorConfig;

inline constexpr const char* kCoreExperiment = R"(
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

inline constexpr std::uint64_t kRun = 9;

/// A core with four devices that are born, and hands to talk to it.
class CoreBench {
 public:
  explicit CoreBench(const std::vector<Override>& overrides = {}, const coordinator::RunSnapshot* replay = nullptr)
      : core(config(overrides, replay), replay) {
    core.on_connected(0);
    for (const char* id : {"a", "b", "c", "d"}) birth(id);
    take();
  }

  /// Connected, and no device was born.
  struct Nobody {};
  CoreBench(Nobody /*tag*/, const std::vector<Override>& overrides) : core(config(overrides)) { core.on_connected(0); }

  static CoordinatorConfig config(const std::vector<Override>& overrides = {},
                                  const coordinator::RunSnapshot* replay = nullptr) {
    CoordinatorConfig config;
    config.mode = replay != nullptr ? coordinator::RunMode::kReplay : coordinator::RunMode::kLive;
    const auto parsed = parse_experiment(kCoreExperiment, "core.toml", overrides);
    if (!parsed) FAIL(parsed.error().message);
    config.experiment = *parsed;
    config.run = kRun;
    return config;
  }

  /// A device connects and answers the challenge that it gets, or is gone.
  /// @param[in] model  as State::model; 0: none
  void birth(const std::string& id, bool online = true, std::uint64_t model = 0) {
    if (!online) {
      core.on_state(id, {}, now);
      return;
    }
    challenges.erase(id);
    send_birth(id, 0, model);
    take();
    if (challenges.count(id) != 0) send_birth(id, challenges.at(id), model);
  }

  void send_birth(const std::string& id, std::uint64_t challenge, std::uint64_t model = 0) {
    const std::vector<std::uint8_t> bytes = encode_birth(id, challenge, model);
    core.on_state(id, {bytes.data(), bytes.size()}, now);
  }

  std::vector<std::uint8_t> encode_birth(const std::string& id, std::uint64_t challenge,
                                         std::uint64_t model = 0) const {
    const auto said = samples.find(id);
    return birth_message({id.c_str(), key_of(id)}, challenge, model, {}, said == samples.end() ? 0 : said->second);
  }

  /// Takes the actions; remembers tasks and the last reply of each device.
  void take() {
    for (auto& action : core.take_actions()) {
      if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) events.push_back(event->event);
      if (const auto* round = std::get_if<coordinator::CommitRound>(&action)) rounds.push_back(round->record);
      const auto* publish = std::get_if<coordinator::Publish>(&action);
      if (publish == nullptr) continue;
      if (observe) observe(*publish);
      const Bytes bytes{publish->payload.data(), publish->payload.size()};
      const crypto::Key key = key_of(publish->device_id);
      const wire::Identity identity{publish->device_id.c_str(), key};
      if (publish->topic == wire::TopicKind::kTask) {
        wire::Task task{};
        REQUIRE(wire::decode_task(bytes, identity, task) == Status::kOk);
        if (task.kind == skink_wire_TaskKind_TASK_KIND_PRESENCE) {
          challenges[publish->device_id] = task.challenge;
        } else {
          tasks[publish->device_id] = task;
        }
      }
      if (publish->topic == wire::TopicKind::kPatch) patches[publish->device_id] = publish->payload;
      if (publish->topic == wire::TopicKind::kReply) {
        wire::Reply reply{};
        REQUIRE(wire::decode_reply(bytes, identity, reply) == Status::kOk);
        replies.emplace_back(publish->device_id, reply);
      }
    }
  }

  crypto::Key key_of(const std::string& id) const {
    return crypto::device_key(config().master_key, {}, {id.data(), id.size()});
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
    if (!payload.empty()) std::memcpy(payload.data(), change.data(), payload.size());
    return encode_bytes(id, update, payload);
  }

  std::vector<std::uint8_t> encode_bytes(const std::string& id, const wire::Update& update,
                                         const std::vector<std::uint8_t>& payload) const {
    return update_message({id.c_str(), key_of(id)}, update, payload);
  }

  void send(const std::string& id, const std::vector<std::uint8_t>& message) {
    core.on_update(id, {message.data(), message.size()}, now);
    take();
  }
  /// Any bytes, with the code that an update of this device has.
  std::vector<std::uint8_t> seal(const std::string& id, std::vector<std::uint8_t> bytes) const {
    static constexpr std::uint8_t kZero[1] = {0};
    const std::string label = "skink/1/update";
    const auto view = [](const std::string& text) {
      return Bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
    };
    const Bytes parts[] = {view(label), Bytes(kZero), view(id), Bytes(kZero), {bytes.data(), bytes.size()}};
    const crypto::Digest code = crypto::hmac_sha256(key_of(id), parts);
    bytes.insert(bytes.end(), code.bytes, code.bytes + 16);
    return bytes;
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

  std::function<void(const coordinator::Publish&)> observe;
  std::uint64_t now = 0;
  Coordinator core;
  std::map<std::string, wire::Task> tasks;
  std::map<std::string, std::uint64_t> challenges;
  std::map<std::string, std::uint32_t> samples;  ///< what births say: State::samples
  std::map<std::string, std::vector<std::uint8_t>> patches;
  std::vector<std::pair<std::string, wire::Reply>> replies;
  std::vector<coordinator::TranscriptEvent> events;
  std::vector<rounds::RoundRecord> rounds;
};

}  // namespace skink::test
