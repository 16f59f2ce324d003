/// @file
/// Messages that the core takes between two calls of take_actions() give the actions that they give one by one.

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <random>

#include "fakes/device_messages.hpp"
#include "skink/coordinator/core/coordinator.hpp"
#include "skink/host/program/workers.hpp"
#include "unit/common/codec/codec_fixture.hpp"

using namespace skink;
using coordinator::Coordinator;
using coordinator::CoordinatorConfig;

namespace {

constexpr const char* kExperiment = R"(
name = "batch"
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 90 }, { type = "relu" }, { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 4
[meta]
strategy = "fedavg"
rounds = 6
cohort = 7
inner_learning_rate = 0.01
meta_learning_rate = 1.0
meta_learning_rate_final = 1.0
[evaluation]
tasks = 0
[fleet]
devices = 12
deadline_ms = 900
offline_ms = 300
)";

CoordinatorConfig config_of(const std::string& codec) {
  CoordinatorConfig config;
  const auto parsed = parse_experiment(kExperiment, "batch.toml", {{"codec.uplink", codec}});
  if (!parsed) FAIL(parsed.error().message);
  config.experiment = *parsed;
  config.run = 9;
  return config;
}

/// Something that happens to a core.
struct Input {
  enum class Kind { kState, kUpdate, kTime, kRevoke, kDisconnect, kConnect } kind = Kind::kTime;
  std::uint64_t now_ms = 0;
  std::string device;
  std::vector<std::uint8_t> message;
};

void feed(Coordinator& core, const Input& input) {
  const Bytes message{input.message.data(), input.message.size()};
  switch (input.kind) {
    case Input::Kind::kState: core.on_state(input.device, message, input.now_ms); return;
    case Input::Kind::kUpdate: core.on_update(input.device, message, input.now_ms); return;
    case Input::Kind::kTime: core.on_time(input.now_ms); return;
    case Input::Kind::kRevoke: core.revoke({input.device}, input.now_ms); return;
    case Input::Kind::kDisconnect: core.on_disconnected(); return;
    case Input::Kind::kConnect: core.on_connected(input.now_ms); return;
  }
}

/// Updates from place `first` on that come at one time; at least one input. @returns how many.
std::size_t feed_together(Coordinator& core, const std::vector<Input>& inputs, std::size_t first) {
  std::vector<Coordinator::Message> messages;
  for (std::size_t i = first; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    if (input.kind != Input::Kind::kUpdate || input.now_ms != inputs[first].now_ms) break;
    messages.push_back({input.device, {input.message.data(), input.message.size()}});
  }
  if (messages.empty()) feed(core, inputs[first]);
  core.on_updates({messages.data(), messages.size()}, inputs[first].now_ms);
  return std::max<std::size_t>(1, messages.size());
}

std::string text_of(const coordinator::Action& action) {
  std::string text = std::to_string(action.index());
  const auto add = [&text](const auto&... numbers) { ((text += " " + std::to_string(numbers)), ...); };
  if (const auto* publish = std::get_if<coordinator::Publish>(&action)) {
    add(static_cast<int>(publish->topic), publish->chunk);
    text += " " + publish->device_id + " ";
    text.append(publish->payload.begin(), publish->payload.end());
  }
  if (const auto* event = std::get_if<coordinator::CommitEvent>(&action)) {
    const coordinator::TranscriptEvent& record = event->event;
    add(record.round, static_cast<int>(record.kind), record.slot, record.device_index, record.attempt,
        static_cast<int>(record.reason));
    text += record.detail;
  }
  if (const auto* round = std::get_if<coordinator::CommitRound>(&action)) {
    const rounds::RoundRecord& record = round->record;
    add(record.round, record.updates, record.diverged, record.refused, record.replaced, record.total_weight,
        record.duration_ms, record.traffic.uplink_bytes, record.traffic.downlink_bytes);
    text += record.model_sha256;
  }
  return text;
}

/// A core and all that it ever said.
struct Listener {
  explicit Listener(const CoordinatorConfig& config) : core(config) {
    core.observe_updates([this](const coordinator::TakenUpdate& update) {
      taken.push_back(std::to_string(update.id.round) + " " + std::string(update.device_id));
    });
    core.on_connected(0);
  }
  std::vector<coordinator::Action> take() {
    auto actions = core.take_actions();
    for (const auto& action : actions) said.push_back(text_of(action));
    return actions;
  }
  Coordinator core;
  std::vector<std::string> said;
  std::vector<std::string> taken;
};

/// Devices that answer with sound and unsound updates, in chunks, twice, late or never; they are born, vanish, and are
/// revoked. They listen to one core, and all that happens to it is kept.
class Fleet {
 public:
  Fleet(const std::string& codec_name, std::uint32_t seed)
      : config(config_of(codec_name)),
        one_by_one(config),
        codec_(test::codec_of(codec_name)),
        codec_name_(codec_name),
        random_(seed) {}

  void live() {
    for (int device = 0; device < 12; ++device) birth("device-" + std::to_string(device), true);
    for (std::size_t answers = queue_.size(); answers > 0; --answers) {  // to their challenges: the roster is frozen
      Input input = queue_.front();
      queue_.erase(queue_.begin());
      happen(std::move(input));
    }
    for (int step = 0; step < 4000 && one_by_one.core.phase() != coordinator::Phase::kFinished; ++step) {
      now_ms_ += below(4) == 0 ? below(60) : 0;
      if (below(60) == 0 && revoked_ < 3) {
        ++revoked_;
        happen({Input::Kind::kRevoke, 0, "device-" + std::to_string(below(12)), {}});
      }
      if (below(60) == 0) {
        happen({Input::Kind::kDisconnect, 0, {}, {}});
        happen({Input::Kind::kConnect, 0, {}, {}});
      }
      if (!queue_.empty() && below(5) != 0) {
        const std::size_t next = below(3) == 0 ? below(queue_.size()) : 0;
        Input input = queue_[next];
        if (below(12) != 0) queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(next));
        happen(std::move(input));
      } else if (below(40) == 0) {
        birth("device-" + std::to_string(below(12)), below(3) != 0);
      } else if (queue_.empty() || below(6) == 0) {
        happen({Input::Kind::kTime, 0, {}, {}});
        if (queue_.empty()) now_ms_ += 50;
      }
    }
  }

  CoordinatorConfig config;
  Listener one_by_one;
  std::vector<Input> history;

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  void happen(Input input) {
    input.now_ms = now_ms_;
    feed(one_by_one.core, input);
    history.push_back(std::move(input));
    for (const auto& action : one_by_one.take()) {
      const auto* publish = std::get_if<coordinator::Publish>(&action);
      if (publish != nullptr && publish->topic == wire::TopicKind::kTask) answer(*publish);
    }
  }

  void birth(const std::string& id, bool is_online) {
    happen({Input::Kind::kState, 0, id, is_online ? birth_of(id, 0) : std::vector<std::uint8_t>()});
  }

  std::vector<std::uint8_t> birth_of(const std::string& id, std::uint64_t challenge) const {
    return test::birth_message({id.c_str(), key_of(id)}, challenge);
  }

  crypto::Key key_of(const std::string& id) const {
    return crypto::device_key(config.master_key, {}, {id.data(), id.size()});
  }

  void answer(const coordinator::Publish& publish) {
    wire::Task task{};
    const std::string& id = publish.device_id;
    const crypto::Key key = key_of(id);
    REQUIRE(wire::decode_task({publish.payload.data(), publish.payload.size()}, {id.c_str(), key}, task) ==
            Status::kOk);
    if (task.kind == skink_wire_TaskKind_TASK_KIND_PRESENCE) {
      queue_.insert(queue_.begin(), {Input::Kind::kState, 0, id, birth_of(id, task.challenge)});
      return;
    }
    wire::Update update;
    update.id = wire::id_of(task);
    update.outcome = wire::Outcome::kAdapted;
    update.support_samples = static_cast<std::uint32_t>(1 + below(4));
    if (below(25) == 0) update.support_samples = 1U << 20U;
    update.residual_round = below(6) == 0 ? 0 : task.accepted_round;
    if (below(40) == 0) update.residual_round = 77;
    std::snprintf(update.uplink, sizeof update.uplink, "%s", below(40) == 0 ? "sign" : codec_name_.c_str());
    if (below(20) == 0) return;  // never
    if (below(20) == 0) {
      update.outcome = below(2) == 0 ? wire::Outcome::kDiverged : wire::Outcome::kRefused;
      update.refusal = update.outcome == wire::Outcome::kRefused ? wire::Refusal::kNoData : wire::Refusal::kNone;
      queue_update(id, update, {});
      return;
    }
    const test::Buffer bytes = change_for(task);
    const std::size_t chunks = std::min<std::size_t>(1 + below(3), bytes.size());
    update.chunk_count = static_cast<std::uint32_t>(chunks);
    update.total_bytes = static_cast<std::uint32_t>(bytes.size() + (below(40) == 0 ? 1 : 0));
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      update.chunk = static_cast<std::uint32_t>(chunk);
      update.offset = static_cast<std::uint32_t>(bytes.size() / chunks * chunk);
      const std::size_t end = chunk + 1 == chunks ? bytes.size() : bytes.size() / chunks * (chunk + 1);
      queue_update(id, update, {bytes.begin() + update.offset, bytes.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  }

  test::Buffer change_for(const wire::Task& task) {
    const nn::Network& network = one_by_one.core.model().network();
    const std::size_t parameters = network.parameter_count();
    test::Numbers change(parameters);
    for (float& value : change) value = static_cast<float>(below(2001)) * 0.0001F - 0.1F;
    if (below(8) == 0) change[parameters - 1] = 50000.0F;
    test::Encoding encoding(network, test::Numbers(parameters, 0.0F), change, codec_,
                            {config.experiment.seed, task.round, task.device_index},
                            codec_.error_feedback ? test::Numbers(network.trainable_count(), 0.0F) : test::Numbers{});
    REQUIRE(encoding.status == Status::kOk);
    test::Buffer bytes = encoding.all();
    if (below(15) == 0) std::memset(bytes.data() + bytes.size() - std::min<std::size_t>(4, bytes.size()), 0xff, 4);
    return bytes;
  }

  void queue_update(const std::string& id, const wire::Update& update, const std::vector<std::uint8_t>& payload) {
    std::vector<std::uint8_t> message = test::update_message({id.c_str(), key_of(id)}, update, payload);
    if (below(40) == 0) message[below(message.size())] ^= 1;
    queue_.push_back({Input::Kind::kUpdate, 0, id, std::move(message)});
  }

  codec::Codec codec_;
  std::string codec_name_;
  std::mt19937 random_;
  std::uint64_t now_ms_ = 0;
  int revoked_ = 0;
  std::vector<Input> queue_;  // on their way
};

}  // namespace

TEST_CASE("core: messages in batches give the actions that they give one by one", "[coordinator][core][property]") {
  const std::string codec = GENERATE("float32", "int8:block+ef", "topk:0.1+ternary+ef", "eden:2");
  INFO(codec);
  std::array<std::uint64_t, wire::kRefusalCount> refused{};
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    Fleet fleet(codec, seed);
    fleet.live();
    const Listener& expected = fleet.one_by_one;
    REQUIRE(expected.core.rounds_done() == 6);
    for (std::size_t reason = 0; reason < refused.size(); ++reason) refused[reason] += expected.core.refused()[reason];
    std::mt19937 random(seed);
    for (const std::uint32_t count : {1U, 3U}) {
      Workers workers(count);
      CoordinatorConfig config = fleet.config;
      config.executor = rounds::Executor::of(workers);
      const std::size_t mean_batch = count == 1 ? 9 : 300;
      Listener batches(config);
      for (std::size_t i = 0; i < fleet.history.size(); ++i) {
        if (count == 1) {
          feed(batches.core, fleet.history[i]);
        } else {
          i += feed_together(batches.core, fleet.history, i) - 1;
        }
        if (random() % mean_batch == 0) batches.take();
      }
      batches.take();
      CHECK(batches.said == expected.said);
      CHECK(batches.taken == expected.taken);
      CHECK(batches.core.refused() == expected.core.refused());
      CHECK(batches.core.model().parameters() == expected.core.model().parameters());
      CHECK(batches.core.next_wake_ms() == expected.core.next_wake_ms());
    }
  }
  const bool is_float = codec == "float32";
  for (const wire::Refusal reason : {wire::Refusal::kLate, wire::Refusal::kDuplicate, wire::Refusal::kTooLarge,
                                     wire::Refusal::kNoData, wire::Refusal::kUnknownCodec, wire::Refusal::kWrongShape,
                                     is_float ? wire::Refusal::kNotFinite : wire::Refusal::kMalformed}) {
    CHECK(refused[static_cast<std::size_t>(reason)] > 0);
  }
}
