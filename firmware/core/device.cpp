#include "skink/firmware/device.hpp"

#include <string.h>

#include "skink/firmware/console.hpp"
#include "skink/firmware/model_release.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kCopyBytes = 128;  // a multiple of every unit of flash
constexpr uint64_t kGreetingMs = 3000;

edge::ClientConfig client_config(const DeviceConfig& config) noexcept {
  auto client = edge::ClientConfig();
  client.identity = config.identity;
  client.arena = config.arena;
  client.firmware = config.firmware;
  client.health = config.health;
  client.jitter_seed = config.jitter_seed;
  client.release_key = config.release_key;
  return client;
}

}  // namespace

Device::Device(const DeviceConfig& config, const DeviceStores& stores) noexcept
    : device_id_(config.identity.device_id, strlen(config.identity.device_id)),
      fleet_(config.fleet),
      keep_alive_s_(config.keep_alive_s),
      policy_(config.policy),
      models_(stores.models),
      releases_(stores.releases),
      journal_(stores.journal),
      credentials_(config.link == LinkKind::kStream ? stores.credentials : nullptr),
      connection_(config.link),
      client_(client_config(config),
              {models_.source(), config.samples, config.residuals, release_store(stores.releases), config.personal}) {
  if (journal_.last().has_task) client_.restore_task(journal_.last().task);
  restore_release();
  if (!models_.has_model()) return;
  is_storing_ = client_.restore_model(models_.model_bytes()) == Status::kOk;
  storing_ = models_.digest();
}

/// The last one, or where it cannot be read the one before.
void Device::restore_release() noexcept {
  if (!releases_.has_model()) return;
  const uint32_t number = releases_.number();
  if (client_.restore_release(number, releases_.model_bytes()) == Status::kOk) return;
  const bool has_previous =
      releases_.use_previous() &&
      client_.restore_release(number, releases_.model_bytes(), edge::KeptRelease::kPrevious) == Status::kOk;
  print(
      has_previous ? "release: number {} cannot be read; the one before is used" : "release: number {} cannot be read",
      number);
}

// ---- the stream -----------------------------------------------------------------------------------------------------

bool Device::on_stream_open(uint64_t now_ms) noexcept {
  char topic[wire::kMaxTopicBytes];
  ConnectionNames names;
  names.will.topic = {topic, topic_of(wire::TopicKind::kState, 0, 0, topic)};
  names.will.retain = edge::mqtt::Retain::kYes;
  names.device_id = device_id_;
  names.fleet = fleet_;
  names.keep_alive_s = keep_alive_s_;
  names.session = next_session();
  has_action_ = false;
  publishing_id_ = 0;
  renewal_subscription_id_ = 0;
  is_stream_open_ = true;
  return connection_.open(names, now_ms) == Status::kOk;
}

/// Not that of the last session, nor, with a start that was counted, of one before it; never 0.
uint16_t Device::next_session() noexcept {
  ++opens_;
  if (static_cast<uint16_t>(journal_.last().starts * 257 + opens_) == 0) ++opens_;
  return static_cast<uint16_t>(journal_.last().starts * 257 + opens_);
}

void Device::on_stream_closed() noexcept {
  if (credentials() != nullptr && is_stream_open_) {
    if (!connection_.is_connected()) credentials()->on_failed();
    credentials()->on_disconnected();
  }
  is_stream_open_ = false;
  connection_.reset();
  has_action_ = false;
  client_.on_disconnected();
}

bool Device::receive(Bytes input, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  while (!input.empty()) {
    edge::mqtt::Event event;
    if (connection_.receive(input, event, now_ms_) != Status::kOk) return false;
    if (event.kind != edge::mqtt::EventKind::kNone && !take(event)) return false;
  }
  return true;
}

bool Device::take(const edge::mqtt::Event& event) noexcept {
  switch (event.kind) {
    case edge::mqtt::EventKind::kConnected:
      client_.on_connected(now_ms_);
      rest_ms_ = now_ms_;
      tasks_before_ = client_.counters().tasks;
      says_goodbye_ = false;
      has_all_ = false;
      awake_until_ms_ = now_ms_ + kGreetingMs;
      if (credentials() != nullptr) credentials()->on_connected(now_ms_);
      return true;
    case edge::mqtt::EventKind::kPublished:
      if (event.packet_id != publishing_id_) return true;
      if (publishes_credentials_) {
        credentials()->on_published();
      } else {
        client_.on_published(now_ms_);
      }
      return true;
    case edge::mqtt::EventKind::kProbed:
      has_all_ = true;
      client_.on_probe_answered(now_ms_);
      return true;
    case edge::mqtt::EventKind::kMessage: take_message(event); return true;
    case edge::mqtt::EventKind::kSubscribed:
      if (!event.is_granted) print("mqtt: the broker refuses a subscription of this device");
      return event.is_granted || event.packet_id == renewal_subscription_id_;  // it works without renewals
    default: return true;
  }
}

bool Device::on_time(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  client_.on_time(now_ms);
  if (!client_.is_at_rest()) rest_ms_ = now_ms;
  if (now_ms >= leave_ms()) client_.leave();
  if (may_doze()) doze();
  if (credentials() != nullptr) credentials()->on_time(now_ms);
  return connection_.on_time(now_ms) == Status::kOk;
}

uint64_t Device::next_wake_ms() const noexcept {
  if (may_doze()) return now_ms_;
  const uint64_t client = client_.next_wake_ms();
  const uint64_t connection = connection_.next_wake_ms();
  const uint64_t awake = client < connection ? client : connection;
  const bool will_doze = connection_.can_doze() && policy_.sleep_s != 0 && now_ms_ < awake_until_ms_;
  const uint64_t leave = will_doze ? awake_until_ms_ : leave_ms();
  const uint64_t first = awake < leave ? awake : leave;
  const uint64_t retry = credentials() != nullptr ? credentials()->next_wake_ms() : first;
  return first < retry ? first : retry;
}

/// When the connection is left, if nothing comes any more.
uint64_t Device::leave_ms() const noexcept {
  if (policy_.sleep_s == 0 || connection_.can_doze() || !connection_.is_connected() || client_.has_left() ||
      !client_.is_at_rest()) {
    return ~uint64_t{0};
  }
  const bool has_worked = client_.counters().tasks != tasks_before_;
  return rest_ms_ + (has_worked ? 0 : uint64_t{policy_.listen_s} * 1000);
}

/// Of datagrams: is there nothing to stay awake for? A coordinator that is there answers the birth of a new session
/// with a challenge, which would wait for the whole sleep.
bool Device::may_doze() const noexcept {
  return policy_.sleep_s != 0 && now_ms_ >= awake_until_ms_ && connection_.can_sleep() && !has_action_ &&
         client_.is_at_rest();
}

/// First what waits at the bridge.
void Device::doze() noexcept {
  const Status status = has_all_ ? connection_.sleep(policy_.sleep_s, now_ms_) : connection_.probe(now_ms_);
  if (has_all_ && status == Status::kOk) has_all_ = false;
}

bool Device::wants_sleep() noexcept {
  if (!client_.has_left()) return false;
  if (!says_goodbye_) says_goodbye_ = connection_.disconnect() == Status::kOk;
  return says_goodbye_ && connection_.output(now_ms_).empty();
}

bool Device::wants_reconnection() const noexcept {
  const edge::ClientState state = client_.state();
  const bool is_free = state == edge::ClientState::kIdle || state == edge::ClientState::kFinished;
  return credentials() != nullptr && is_free && credentials()->wants_reconnection();
}

Status Device::add_sample(SampleFlash& store, Span<const float> stored, Span<const float> targets) noexcept {
  if (has_work()) return Status::kUnavailable;
  const Status status = store.add(stored, targets);
  if (status == Status::kOk) client_.on_samples_changed();
  return status;
}

// ---- messages -------------------------------------------------------------------------------------------------------

void Device::take_message(const edge::mqtt::Event& event) noexcept {
  wire::Topic topic;
  if (!wire::parse_topic(event.topic, topic)) return;
  switch (topic.kind) {
    case wire::TopicKind::kTask:
    case wire::TopicKind::kReply:
    case wire::TopicKind::kRelease: take_control(topic.kind, event); return;
    case wire::TopicKind::kRenewal: take_renewal(event); return;
    case wire::TopicKind::kModel:
    case wire::TopicKind::kReleaseModel: take_model(topic, event); return;
    case wire::TopicKind::kPatch: client_.on_patch_bytes({event.offset, event.piece}, now_ms_); return;
    default: return;
  }
}

void Device::take_renewal(const edge::mqtt::Event& event) noexcept {
  if (credentials() == nullptr) return;
  const MutableBytes message = credentials()->message();
  if (event.total_bytes > message.size()) return;  // none
  if (!event.piece.empty()) memcpy(message.data() + event.offset, event.piece.data(), event.piece.size());
  if (event.is_last) credentials()->on_renewal(event.total_bytes);
}

/// Tasks, replies and releases are small, but the stream may cut them anywhere.
void Device::take_control(wire::TopicKind kind, const edge::mqtt::Event& event) noexcept {
  if (event.total_bytes > sizeof control_) return;  // none of them
  memcpy(control_ + event.offset, event.piece.data(), event.piece.size());
  if (!event.is_last) return;
  const Bytes message{control_, event.total_bytes};
  if (kind == wire::TopicKind::kReply) {
    client_.on_reply(message, now_ms_);
    return;
  }
  if (kind == wire::TopicKind::kRelease) {
    client_.on_release(message, now_ms_);
    return;
  }
  const uint32_t begun = client_.counters().tasks;
  client_.on_task(message, now_ms_);
  if (client_.counters().tasks != begun && note_task() != Status::kOk) {
    print("storage: the journal cannot be written");
    client_.on_task_not_noted(now_ms_);
  }
}

/// A task is noted before anything of it leaves this device. One that is not could be followed by an older one after a
/// reset, so it is not worked on.
Status Device::note_task() noexcept {
  Journal::Entry entry = journal_.last();
  if (entry.has_task && entry.task == client_.task_id()) return Status::kOk;
  entry.has_task = true;
  entry.task = client_.task_id();
  return journal_.append(entry);
}

void Device::take_model(const wire::Topic& topic, const edge::mqtt::Event& event) noexcept {
  edge::ModelPiece piece;
  edge::ModelWrite place;
  Bytes content;
  const bool has_content =
      model_message_.take(topic.chunk, event.offset, event.total_bytes, event.piece, piece, content);
  if (!has_content || !client_.on_model_bytes(piece, place)) return;
  store(client_.download(), place, content, place.completes_chunk ? ChunkPart::kEnd : ChunkPart::kMore);
}

void Device::store(const crypto::Digest& model, const edge::ModelWrite& place, Bytes bytes, ChunkPart part) noexcept {
  if (place.store == edge::ModelStoreKind::kRelease) {
    client_.on_model_stored(place, write_release(place, bytes, part), now_ms_);
    return;
  }
  client_.on_model_stored(place, write(model, place.offset, bytes, part), now_ms_);
  if (client_.state() != edge::ClientState::kDownloading && !client_.has_model()) is_storing_ = false;  // given up
  keep_model();
}

Status Device::write(const crypto::Digest& model, uint32_t offset, Bytes bytes, ChunkPart part) noexcept {
  if (!is_storing_ || storing_ != model || models_.has_model()) {
    is_storing_ = false;
    const Status status = models_.begin(client_.download_bytes());
    if (status != Status::kOk) return status;
    is_storing_ = true;
    storing_ = model;
  }
  return models_.write(offset, bytes, part);
}

Status Device::write_release(const edge::ModelWrite& place, Bytes bytes, ChunkPart part) noexcept {
  if (release_download_ != place.download) {
    const Status status = releases_.begin(client_.download_bytes());
    if (status != Status::kOk) return status;
    release_download_ = place.download;
  }
  return releases_.write(place.offset, bytes, part);
}

/// With the header of the slot, programmed last, the new release takes the place of the old one.
Status Device::keep_release(const edge::Action& action) noexcept {
  release_download_ = 0;
  const edge::ReleaseToKeep& release = action.release;
  Status status = release.copies ? copy_to_release(release.bytes) : Status::kOk;
  if (status == Status::kOk) status = releases_.commit(action.model, release.bytes, release.number);
  if (status != Status::kOk) {
    print("storage: the release cannot be kept");
  } else {
    print("release: number {} is kept", release.number);
  }
  return status;
}

/// From the slot of the rounds' models.
Status Device::copy_to_release(uint32_t bytes) noexcept {
  Status status = releases_.begin(bytes);
  uint8_t piece[kCopyBytes];
  for (uint32_t offset = 0; offset < bytes && status == Status::kOk; offset += kCopyBytes) {
    const uint32_t left = bytes - offset;
    const MutableBytes part{piece, left < kCopyBytes ? left : kCopyBytes};
    status = models_.read(offset, part);
    if (status == Status::kOk) {
      status = releases_.write(offset, part, left <= kCopyBytes ? ChunkPart::kEnd : ChunkPart::kMore);
    }
  }
  return status;
}

/// A downloaded model that proved sound becomes the last model. One that cannot be kept is used until the next reset,
/// and then comes again.
void Device::keep_model() noexcept {
  if (!client_.has_model() || models_.has_model()) return;
  if (models_.commit(client_.model().digest, client_.model_bytes()) != Status::kOk) {
    print("storage: the model cannot be kept");
  }
}

// ---- actions --------------------------------------------------------------------------------------------------------

Bytes Device::output(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  const Bytes waiting = connection_.output(now_ms);
  if (!waiting.empty()) return waiting;
  carry_out();
  return connection_.output(now_ms);
}

void Device::carry_out() noexcept {
  if (!connection_.is_connected()) return;
  while (has_action_ || client_.next_action(action_) ||
         (credentials() != nullptr && credentials()->next_action(action_))) {
    has_action_ = carry_out(action_) == Status::kUnavailable;
    if (has_action_) return;
  }
}

Status Device::carry_out(const edge::Action& action) noexcept {
  if (action.kind == edge::ActionKind::kStoreModel) {
    const bool is_end = action.write.offset + action.payload.size() == client_.download_bytes();
    store(action.model, action.write, action.payload, is_end ? ChunkPart::kEnd : ChunkPart::kMore);
    return Status::kOk;
  }
  if (action.kind == edge::ActionKind::kKeepRelease) {
    client_.on_release_kept(keep_release(action), now_ms_);
    return Status::kOk;
  }
  if (action.kind == edge::ActionKind::kProbe) return connection_.probe(now_ms_);
  char name[wire::kMaxTopicBytes];
  const Span<const char> topic{name, topic_of(action.topic, action.slot, action.chunk, name)};
  uint16_t packet_id = 0;
  switch (action.kind) {
    case edge::ActionKind::kSubscribe: {
      const Status queued = connection_.subscribe(topic, packet_id, now_ms_);
      if (queued == Status::kOk && action.topic == wire::TopicKind::kRenewal) renewal_subscription_id_ = packet_id;
      return queued;
    }
    case edge::ActionKind::kUnsubscribe: return connection_.unsubscribe(topic, packet_id, now_ms_);
    case edge::ActionKind::kPublish:
    case edge::ActionKind::kStoreModel:
    case edge::ActionKind::kProbe:
    case edge::ActionKind::kKeepRelease: break;
  }
  const auto retain = action.retain ? edge::mqtt::Retain::kYes : edge::mqtt::Retain::kNo;
  const Status status = connection_.publish(topic, action.payload, retain, packet_id, now_ms_);
  if (status != Status::kOk) return status;
  publishing_id_ = packet_id;
  publishes_credentials_ = action.topic == wire::TopicKind::kCredentials;
  return status;
}

size_t Device::topic_of(wire::TopicKind kind, uint32_t slot, uint32_t chunk, Span<char> out) const noexcept {
  wire::Topic topic;
  topic.kind = kind;
  topic.fleet = fleet_;
  topic.device_id = device_id_;
  topic.slot = slot;
  topic.chunk = chunk;
  return wire::format_topic(topic, out);
}

}  // namespace skink::firmware
