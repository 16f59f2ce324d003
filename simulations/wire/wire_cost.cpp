#include "skink/simulations/wire_cost.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "skink/common/codec/codec.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/rounds/strategy.hpp"
#include "wire/conversation.hpp"

namespace skink::simulations {
namespace {

// ---- MQTT 3.1.1 -----------------------------------------------------------------------------------------------------

/// 2.2.3: first byte, and the length of the rest in groups of seven bits.
std::uint32_t fixed_header_bytes(std::uint32_t remaining) {
  std::uint32_t bytes = 2;
  for (; remaining >= 128; remaining /= 128) ++bytes;
  return bytes;
}

constexpr std::uint32_t kPacketIdBytes = 2;
constexpr std::uint32_t kTextLengthBytes = 2;
constexpr Packet kPuback{4, 0};
constexpr Packet kSuback{5, 0};
constexpr Packet kUnsuback{4, 0};
constexpr Packet kPing{2, 0};

/// 3.3, with QoS 1.
Packet publish_packet(std::uint32_t topic_bytes, std::uint32_t payload_bytes) {
  const std::uint32_t variable = kTextLengthBytes + topic_bytes + kPacketIdBytes;
  return {fixed_header_bytes(variable + payload_bytes) + variable, payload_bytes};
}

Packet publish_packet(const Fetch::Message& message) {
  return publish_packet(message.topic_bytes, message.payload_bytes);
}

/// 3.8: one filter and its QoS.
Packet subscribe_packet(std::uint32_t filter_bytes) {
  const std::uint32_t remaining = kPacketIdBytes + kTextLengthBytes + filter_bytes + 1;
  return {fixed_header_bytes(remaining) + remaining, 0};
}

/// 3.10
Packet unsubscribe_packet(std::uint32_t filter_bytes) {
  const std::uint32_t remaining = kPacketIdBytes + kTextLengthBytes + filter_bytes;
  return {fixed_header_bytes(remaining) + remaining, 0};
}

// ---- topics and messages --------------------------------------------------------------------------------------------

std::string name_of_length(std::uint32_t bytes) {
  if (bytes < 1 || bytes > wire::kMaxDeviceIdBytes) throw std::invalid_argument("a name has 1..64 bytes");
  return std::string(bytes, 'x');
}

std::uint32_t topic_bytes(wire::TopicKind kind, const std::string& fleet, const std::string& device_id,
                          std::uint32_t chunk = 0) {
  wire::Topic topic;
  topic.kind = kind;
  topic.fleet = {fleet.data(), fleet.size()};
  topic.device_id = {device_id.data(), device_id.size()};
  topic.chunk = chunk;
  char name[wire::kMaxTopicBytes];
  return static_cast<std::uint32_t>(wire::format_topic(topic, name));
}

constexpr auto kModelChunkBytes = static_cast<std::uint32_t>(wire::kModelChunkBytes);
constexpr auto kPatchHeadBytes = static_cast<std::uint32_t>(wire::kPatchHeadBytes);
constexpr std::uint32_t kPatchPartBytes = kModelChunkBytes - kPatchHeadBytes;

/// Fixed in length whatever it is: a run is a time in milliseconds, a seed any number but 0.
constexpr std::uint64_t kAnyRun = 1;
constexpr std::uint64_t kAnySeed = 1;
/// Of a birth.
constexpr std::size_t kFirmwareNameBytes = 12;
constexpr pb_size_t kSampleClasses = 5;

class Messages {
 public:
  explicit Messages(const DeviceRound& round)
      : round_(round), id_(name_of_length(round.device_id_bytes)), identity_{id_.c_str(), {}} {
    codec::Codec codec;
    error_feedback_ = codec::parse(round.uplink.c_str(), codec) && codec.error_feedback;
  }

  std::uint32_t birth_bytes() const {
    wire::State state{};
    state.has_versions = true;
    state.versions = wire::own_versions();
    state.online = true;
    std::memset(state.firmware, 'x', kFirmwareNameBytes);
    state.arena_bytes = 100000;  // as many digits as typical ones
    state.battery_percent = 100;
    state.reset_reason = 1;
    state.free_bytes = 100000;
    state.stack_used_bytes = 4000;
    state.model = ~std::uint64_t{0};
    state.challenge = ~std::uint64_t{0};
    state.run = kAnyRun;
    state.round = round_.round;
    state.samples = 1 + round_.support_samples;
    state.class_samples.size = kSampleClasses;
    std::uint8_t out[wire::kMaxControlBytes];
    std::size_t written = 0;
    check(wire::encode_state(state, identity_, out, written));
    return static_cast<std::uint32_t>(written);
  }

  std::uint32_t task_bytes() const {
    wire::Task task{};
    task.has_versions = true;
    task.versions = wire::own_versions();
    task.run = kAnyRun;
    task.round = round_.round;
    task.kind = skink_wire_TaskKind_TASK_KIND_ADAPT;
    task.device_index = round_.device_index;
    std::memset(task.model_sha256, 0xff, sizeof task.model_sha256);
    task.model_bytes = round_.model_bytes;
    task.model_slot = wire::model_slot(round_.round);
    task.seed = kAnySeed;
    task.inner_learning_rate = 0.1F;
    task.passes = round_.passes;
    task.batch_size = round_.batch_size;
    task.proximal = round_.proximal;
    task.change = static_cast<std::uint32_t>(round_.change);
    task.frozen = round_.frozen;
    std::strncpy(task.uplink, round_.uplink.c_str(), sizeof task.uplink - 1);
    task.time_left_ms = round_.time_left_ms;
    if (error_feedback_) task.accepted_round = round_.round;
    if (round_.patch_bytes != 0) task.patch_base = ~std::uint64_t{0};
    task.patch_bytes = round_.patch_bytes;
    std::uint8_t out[wire::kMaxControlBytes];
    std::size_t written = 0;
    check(wire::encode_task(task, identity_, out, written));
    return static_cast<std::uint32_t>(written);
  }

  std::uint32_t update_bytes(std::uint32_t chunk) {
    wire::Update update;
    update.id = {kAnyRun, round_.round, 0};
    update.outcome = wire::Outcome::kAdapted;
    update.chunk = chunk;
    update.chunk_count = chunk_count();
    update.offset = chunk * round_.chunk_bytes;
    update.total_bytes = round_.encoded_bytes;
    std::strncpy(update.uplink, round_.uplink.c_str(), sizeof update.uplink - 1);
    update.support_samples = round_.support_samples;
    if (error_feedback_) update.residual_round = round_.round;
    wire::PayloadSource payload;
    payload.read = [](void* /*context*/, MutableBytes /*out*/) { return Status::kOk; };  // only the length counts
    payload.size = std::min(round_.chunk_bytes, round_.encoded_bytes - update.offset);
    buffer_.resize(payload.size + wire::kUpdateOverheadBytes);
    std::size_t written = 0;
    check(wire::encode_update(update, payload, identity_, {buffer_.data(), buffer_.size()}, written));
    return static_cast<std::uint32_t>(written);
  }

  std::uint32_t reply_bytes() const {
    wire::Reply reply{};
    reply.run = kAnyRun;
    reply.round = round_.round;
    reply.verdict = skink_wire_Verdict_VERDICT_ACCEPTED;
    std::uint8_t out[wire::kMaxControlBytes];
    std::size_t written = 0;
    check(wire::encode_reply(reply, identity_, out, written));
    return static_cast<std::uint32_t>(written);
  }

  std::uint32_t chunk_count() const { return (round_.encoded_bytes + round_.chunk_bytes - 1) / round_.chunk_bytes; }

 private:
  static void check(Status status) {
    if (status != Status::kOk) throw std::invalid_argument("a message of this round cannot be encoded");
  }

  const DeviceRound& round_;
  std::string id_;
  wire::Identity identity_;
  bool error_feedback_ = false;
  std::vector<std::uint8_t> buffer_;
};

// ---- who says what --------------------------------------------------------------------------------------------------

/// The cost of what `talk` says, when the same was said before.
template <class Talk>
WireCost repeated(const LinkProfile& link, Talk talk) {
  Conversation conversation(link);
  talk(conversation);
  conversation.forget_cost();
  talk(conversation);
  return conversation.cost();
}

/// Subscribes, takes the retained messages, and unsubscribes with the acknowledgement of the last.
void fetch(Conversation& conversation, const Fetch& fetch) {
  conversation.send(Side::kDevice, subscribe_packet(fetch.filter_bytes));
  conversation.send(Side::kBroker, kSuback);
  for (const Fetch::Message& message : fetch.messages) {
    conversation.send(Side::kBroker, publish_packet(message.topic_bytes, message.payload_bytes));
    const bool is_last = &message == &fetch.messages.back();
    conversation.send(Side::kDevice, kPuback, is_last ? Then::kGoesOn : Then::kListens);
  }
  conversation.send(Side::kDevice, unsubscribe_packet(fetch.filter_bytes));
  conversation.send(Side::kBroker, kUnsuback);
}

}  // namespace

WireCost publish_up(std::uint32_t topic_bytes, std::uint32_t payload_bytes, const LinkProfile& link) {
  return repeated(link, [&](Conversation& conversation) {
    conversation.send(Side::kDevice, publish_packet(topic_bytes, payload_bytes));
    conversation.send(Side::kBroker, kPuback);
    conversation.pause();
  });
}

WireCost publish_down(std::uint32_t topic_bytes, std::uint32_t payload_bytes, const LinkProfile& link) {
  return repeated(link, [&](Conversation& conversation) {
    conversation.send(Side::kBroker, publish_packet(topic_bytes, payload_bytes));
    conversation.send(Side::kDevice, kPuback);
    conversation.pause();
  });
}

WireCost subscribe(std::uint32_t filter_bytes, const LinkProfile& link) {
  return repeated(link, [&](Conversation& conversation) {
    conversation.send(Side::kDevice, subscribe_packet(filter_bytes));
    conversation.send(Side::kBroker, kSuback);
    conversation.pause();
  });
}

WireCost keep_alive(const LinkProfile& link) {
  return repeated(link, [](Conversation& conversation) {
    conversation.send(Side::kDevice, kPing);
    conversation.send(Side::kBroker, kPing);
    conversation.pause();
  });
}

Fetch model_fetch(std::uint32_t fleet_bytes, std::uint32_t model_bytes) {
  const std::string fleet = name_of_length(fleet_bytes);
  Fetch fetch;
  fetch.filter_bytes = topic_bytes(wire::TopicKind::kModel, fleet, {}, wire::kAllChunks);
  for (std::uint32_t offset = 0; offset < model_bytes; offset += kModelChunkBytes) {
    fetch.messages.push_back(
        {topic_bytes(wire::TopicKind::kModel, fleet, {}, offset / kModelChunkBytes),
         static_cast<std::uint32_t>(wire::kModelHeadBytes) + std::min(kModelChunkBytes, model_bytes - offset)});
  }
  return fetch;
}

DeviceRound device_round_of(const Experiment& experiment, std::uint32_t device_id_bytes, std::uint32_t fleet_bytes) {
  const DeviceMemory memory = device_memory(experiment);
  DeviceRound round;
  round.device_id_bytes = device_id_bytes;
  round.fleet_bytes = fleet_bytes;
  round.model_bytes = static_cast<std::uint32_t>(memory.model);
  round.fetches.push_back(model_fetch(fleet_bytes, round.model_bytes));
  round.uplink = experiment.uplink;
  round.encoded_bytes = static_cast<std::uint32_t>(memory.update);
  round.passes = experiment.meta.passes;
  round.batch_size = experiment.meta.batch_size;
  const rounds::InnerLoop loop = rounds::make_strategy(experiment.meta)->inner_loop();
  round.proximal = loop.proximal;
  round.change = loop.change;
  round.frozen = experiment.adapt.scope.frozen;
  round.support_samples = static_cast<std::uint32_t>(skink::support_samples(experiment));
  round.time_left_ms = experiment.fleet.deadline_ms;
  return round;
}

RoundMessages round_messages(const DeviceRound& round) {
  if (round.encoded_bytes == 0 || round.chunk_bytes == 0) throw std::invalid_argument("an update has bytes");
  const std::string fleet = name_of_length(round.fleet_bytes);
  const std::string id = name_of_length(round.device_id_bytes);
  const auto topic = [&](wire::TopicKind kind) { return topic_bytes(kind, fleet, id); };
  Messages messages(round);
  RoundMessages said;
  said.birth = {topic(wire::TopicKind::kState), messages.birth_bytes()};
  said.task = {topic(wire::TopicKind::kTask), messages.task_bytes()};
  for (std::uint32_t offset = 0; offset < round.patch_bytes; offset += kPatchPartBytes) {
    const std::uint32_t part = std::min(kPatchPartBytes, round.patch_bytes - offset);
    said.patch.push_back({topic(wire::TopicKind::kPatch), kPatchHeadBytes + part});
  }
  for (std::uint32_t chunk = 0; chunk < messages.chunk_count(); ++chunk) {
    said.update.push_back({topic(wire::TopicKind::kUpdate), messages.update_bytes(chunk)});
  }
  said.reply = {topic(wire::TopicKind::kReply), messages.reply_bytes()};
  return said;
}

WireCost device_round_cost(const DeviceRound& round, const LinkProfile& link) {
  const RoundMessages said = round_messages(round);
  const Packet reply = publish_packet(said.reply);

  Conversation conversation(link);
  conversation.send(Side::kBroker, reply);  // to the round before
  conversation.send(Side::kDevice, kPuback);
  conversation.pause();
  conversation.forget_cost();

  conversation.send(Side::kBroker, publish_packet(said.task));
  conversation.send(Side::kDevice, kPuback, round.fetches.empty() ? Then::kListens : Then::kGoesOn);
  for (const Fetch::Message& part : said.patch) {
    conversation.send(Side::kBroker, publish_packet(part));
    conversation.send(Side::kDevice, kPuback);
  }
  for (const Fetch& wanted : round.fetches) fetch(conversation, wanted);
  conversation.pause();  // it adapts
  for (const Fetch::Message& chunk : said.update) {
    conversation.send(Side::kDevice, publish_packet(chunk));
    conversation.send(Side::kBroker, kPuback);
  }
  conversation.send(Side::kBroker, reply);
  conversation.send(Side::kDevice, kPuback);
  conversation.pause();
  return conversation.cost();
}

DeviceRoundCosts::DeviceRoundCosts(DeviceRound round, const LinkProfile& link)
    : round_(std::move(round)), link_(link) {}

const WireCost& DeviceRoundCosts::with(std::uint32_t encoded_bytes) {
  const auto known = known_.find(encoded_bytes);
  if (known != known_.end()) return known->second;
  round_.encoded_bytes = encoded_bytes;
  return known_.emplace(encoded_bytes, device_round_cost(round_, link_)).first->second;
}

}  // namespace skink::simulations
