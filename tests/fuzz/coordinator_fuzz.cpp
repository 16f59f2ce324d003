/// @file
/// A whole coordinator whose four devices say anything: raw bytes, and messages that carry the right code. The input is
/// a list of steps. It never gives a device more than it is asked for, and what it publishes can be read.

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/coordinator/core/coordinator.hpp"

namespace skink::test {
namespace {

namespace coord = skink::coordinator;

constexpr const char* kExperiment = R"(name = "fuzz"
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
[evaluation]
tasks = 2
every = 1
[fleet]
devices = 4
held_out = 1
deadline_ms = 1000
offline_ms = 500
)";

constexpr const char* kUplinks[] = {"float32", "int8:block+ef", "topk:0.5+int8+range+ef", "eden:2"};
constexpr const char* kDownlinks[] = {"whole", "int8", "topk:0.5+ternary+ef", "eden:1+ef"};
constexpr const char* kIds[] = {"a", "b", "c", "d", "stranger", ""};

/// Takes numbers from the input; zeros after its end.
class Steps {
 public:
  explicit Steps(Bytes input) : input_(input) {}
  bool at_end() const { return input_.empty(); }
  std::uint8_t byte() {
    if (input_.empty()) return 0;
    const std::uint8_t value = input_[0];
    input_ = input_.subspan(1);
    return value;
  }
  std::uint32_t number() {
    const std::uint32_t low = byte();
    if (low < 0xf0) return low;  // mostly small
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  std::vector<std::uint8_t> bytes() {
    std::vector<std::uint8_t> taken(byte());
    for (std::uint8_t& one : taken) one = byte();
    return taken;
  }

 private:
  Bytes input_;
};

coord::CoordinatorConfig config_of(std::uint8_t choice) {
  const std::vector<Override> overrides{{"codec.uplink", kUplinks[choice % 4]},
                                        {"codec.downlink", kDownlinks[choice / 4 % 4]}};
  const auto experiment = parse_experiment(kExperiment, "fuzz.toml", overrides);
  promise(experiment.has_value(), experiment ? "" : experiment.error().message.c_str());
  coord::CoordinatorConfig config;
  config.experiment = *experiment;
  config.run = 9;
  return config;
}

class Fleet {
 public:
  explicit Fleet(std::uint8_t choice) : uplink_(choice % 4), config_(config_of(choice)), core_(config_) {
    core_.on_connected(0);
    take();
  }

  void step(Steps& steps) {
    const std::string id = kIds[steps.byte() % std::size(kIds)];
    switch (steps.byte() % 12) {
      case 0: return state(id, steps.bytes());
      case 1: return state(id, sealed("skink/1/state", id, steps.bytes()));
      case 2: return update(id, steps.bytes());
      case 3: return update(id, sealed("skink/1/update", id, steps.bytes()));
      case 4: return state(id, {});
      case 5:
      case 6: return birth(id, steps.byte() % 4 == 0 ? steps.number() : challenges_[id]);
      case 7:
      case 8: return claim(id, steps, false);
      case 9: return claim(id, steps, true);
      case 10: now_ms_ += steps.number(); return core_.on_time(now_ms_);
      default:
        core_.on_disconnected();
        core_.on_connected(now_ms_);
        return;
    }
  }

  /// What it published can be read; what it committed is in order.
  void take() {
    for (const coord::Action& action : core_.take_actions()) {
      if (const auto* round = std::get_if<coord::CommitRound>(&action)) {
        promise(round->record.round == rounds_ && round->record.updates <= 2, "rounds follow one another");
        ++rounds_;
      }
      const auto* publish = std::get_if<coord::Publish>(&action);
      if (publish == nullptr || publish->topic != wire::TopicKind::kTask) continue;
      wire::Task task{};
      const wire::Identity identity{publish->device_id.c_str(), key_of(publish->device_id)};
      const Bytes bytes{publish->payload.data(), publish->payload.size()};
      promise(wire::decode_task(bytes, identity, task) == Status::kOk, "tasks can be read");
      if (task.kind == skink_wire_TaskKind_TASK_KIND_PRESENCE) {
        challenges_[publish->device_id] = task.challenge;
      } else {
        tasks_[publish->device_id] = task;
      }
    }
    promise(core_.rounds_done() == rounds_ && rounds_ <= 3, "every round is committed once");
    for (const float value : core_.model().parameters()) promise(value - value == 0, "the model stays finite");
  }

 private:
  crypto::Key key_of(const std::string& id) const {
    return crypto::device_key(config_.master_key, {config_.fleet.data(), config_.fleet.size()}, {id.data(), id.size()});
  }

  void state(const std::string& id, const std::vector<std::uint8_t>& bytes) {
    core_.on_state(id, {bytes.data(), bytes.size()}, now_ms_);
  }
  void update(const std::string& id, const std::vector<std::uint8_t>& bytes) {
    core_.on_update(id, {bytes.data(), bytes.size()}, now_ms_);
  }

  /// Any content under the right code: docs/protocol.md, section 2.
  std::vector<std::uint8_t> sealed(const char* label, const std::string& id, std::vector<std::uint8_t> content) const {
    const std::uint8_t zero[1] = {0};
    const auto view = [](const char* text, std::size_t size) {
      return Bytes{reinterpret_cast<const std::uint8_t*>(text), size};
    };
    const Bytes parts[] = {view(label, std::strlen(label)),
                           Bytes(zero),
                           view(id.data(), id.size()),
                           Bytes(zero),
                           {content.data(), content.size()}};
    const crypto::Digest digest = crypto::hmac_sha256(key_of(id), parts);
    content.insert(content.end(), digest.bytes, digest.bytes + crypto::kTagBytes);
    return content;
  }

  void birth(const std::string& id, std::uint64_t challenge) {
    wire::State birth{};
    birth.has_versions = true;
    birth.versions = wire::own_versions();
    birth.online = true;
    birth.challenge = challenge;
    std::vector<std::uint8_t> bytes(wire::kMaxControlBytes);
    std::size_t written = 0;
    const wire::Identity identity{id.c_str(), key_of(id)};
    if (wire::encode_state(birth, identity, {bytes.data(), bytes.size()}, written) != Status::kOk) return;
    bytes.resize(written);
    state(id, bytes);
  }

  /// An update for the device's task, of which every field may be a lie.
  void claim(const std::string& id, Steps& steps, bool evaluates) {
    wire::Update message;
    message.id = {9, rounds_, 0};
    if (tasks_.count(id) != 0) message.id = wire::id_of(tasks_[id]);
    const std::uint8_t lies = steps.byte();
    if ((lies & 1U) != 0) message.id = {steps.number(), steps.number(), steps.number()};
    message.outcome = evaluates ? wire::Outcome::kEvaluated : wire::Outcome::kAdapted;
    if ((lies & 2U) != 0) message.outcome = static_cast<wire::Outcome>(1 + steps.byte() % 4);
    std::strncpy(message.uplink, kUplinks[uplink_], sizeof message.uplink - 1);
    std::vector<std::uint8_t> payload = steps.bytes();
    if (evaluates) payload.clear();
    message.total_bytes = static_cast<std::uint32_t>(payload.size());
    message.support_samples = 4;
    if ((lies & 4U) != 0) message.total_bytes = steps.number();
    if ((lies & 8U) != 0) message.support_samples = steps.number();
    if ((lies & 16U) != 0) {
      message.chunk = steps.number();
      message.chunk_count = steps.number();
      message.offset = steps.number();
    }
    if ((lies & 32U) != 0) message.residual_round = message.repeated_model_bytes = steps.number();
    if ((lies & 64U) != 0) message.refusal = static_cast<wire::Refusal>(steps.byte() % wire::kRefusalCount);
    if (evaluates) {
      message.evaluation.tasks = 2;
      message.evaluation.query_samples = steps.number();
      message.evaluation.correct_before = steps.number();
      message.evaluation.loss_before = std::uint64_t{steps.number()} << (steps.byte() % 33);
      message.evaluation.diverged_tasks = steps.number();
    }
    send(id, message, payload);
  }

  void send(const std::string& id, const wire::Update& message, std::vector<std::uint8_t>& payload) {
    const wire::PayloadSource source{&payload,
                                     [](void* context, MutableBytes out) {
                                       const auto& from = *static_cast<const std::vector<std::uint8_t>*>(context);
                                       std::memcpy(out.data(), from.data(), out.size());
                                       return Status::kOk;
                                     },
                                     payload.size()};
    std::vector<std::uint8_t> bytes(payload.size() + wire::kUpdateOverheadBytes + wire::kMaxControlBytes);
    std::size_t written = 0;
    const wire::Identity identity{id.c_str(), key_of(id)};
    if (wire::encode_update(message, source, identity, {bytes.data(), bytes.size()}, written) != Status::kOk) return;
    bytes.resize(written);
    update(id, bytes);
  }

  unsigned uplink_;
  coord::CoordinatorConfig config_;
  coord::Coordinator core_;
  std::map<std::string, wire::Task> tasks_;
  std::map<std::string, std::uint64_t> challenges_;
  std::uint64_t now_ms_ = 1;
  std::uint32_t rounds_ = 0;
};

}  // namespace

void fuzz_coordinator(Bytes input) {
  Steps steps(input);
  Fleet fleet(steps.byte());
  for (int i = 0; i < 200 && !steps.at_end(); ++i) {
    fleet.step(steps);
    fleet.take();
  }
}

}  // namespace skink::test
