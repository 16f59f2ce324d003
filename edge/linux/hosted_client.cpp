#include "skink/edge/linux/hosted_client.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "skink/edge/model_message.hpp"

namespace skink::edge {
namespace {

constexpr const char* kFirmware = "skink-edge " SKINK_VERSION " linux";
constexpr std::size_t kMaxMailboxBytes = std::size_t{32} << 20;
constexpr std::uint64_t kStallMs = 50;

/// Spreads the retries of a fleet; never enters a model.
std::uint64_t jitter_seed(const std::string& device_id) {
  const crypto::Digest digest =
      crypto::sha256({reinterpret_cast<const std::uint8_t*>(device_id.data()), device_id.size()});
  std::uint64_t seed = 0;
  std::memcpy(&seed, digest.bytes, sizeof seed);
  return seed;
}

std::string device_topic(wire::TopicKind kind, const std::string& fleet, const std::string& device_id) {
  wire::Topic topic;
  topic.kind = kind;
  topic.fleet = {fleet.data(), fleet.size()};
  topic.device_id = {device_id.data(), device_id.size()};
  char name[wire::kMaxTopicBytes];
  return {name, wire::format_topic(topic, name)};
}

ClientConfig config_of(const DeviceCredentials& credentials, std::vector<float>& arena) {
  ClientConfig config;
  config.identity.device_id = credentials.device_id.c_str();
  config.identity.key = credentials.key;
  config.arena = {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)};
  config.firmware = kFirmware;
  config.release_key = {credentials.release_key.data(), credentials.release_key.size()};
  config.jitter_seed = jitter_seed(credentials.device_id);
  return config;
}

Status read_memory(void* context, std::uint32_t offset, MutableBytes out) noexcept {
  const auto& memory = *static_cast<const std::vector<std::uint8_t>*>(context);
  if (offset > memory.size() || out.size() > memory.size() - offset) return Status::kUnavailable;
  std::memcpy(out.data(), memory.data() + offset, out.size());
  return Status::kOk;
}

model::ByteSource source_of(std::vector<std::uint8_t>& memory) {
  return {&memory, &read_memory, static_cast<std::uint32_t>(memory.size())};
}

}  // namespace

std::uint64_t steady_now_ms() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

HostedClient::HostedClient(const HostedClientOptions& options, const TaskGenerator& generator)
    : fleet_(options.fleet),
      credentials_(options.credentials),
      state_topic_(topic_name(wire::TopicKind::kState)),
      task_topic_(topic_name(wire::TopicKind::kTask)),
      reply_topic_(topic_name(wire::TopicKind::kReply)),
      patch_topic_(topic_name(wire::TopicKind::kPatch)),
      release_topic_(topic_name(wire::TopicKind::kRelease)),
      update_topic_(topic_name(wire::TopicKind::kUpdate)),
      arena_(options.arena_bytes / sizeof(float)),
      model_(options.model_bytes),
      kept_release_(options.model_bytes),
      coming_release_(options.model_bytes),
      state_(options.state, credentials_.device_id),
      samples_(generator),
      client_(config_of(credentials_, arena_),
              {source_of(model_), samples_.source(), {}, {source_of(kept_release_), source_of(coming_release_)}}) {}

Result<std::unique_ptr<HostedClient>> HostedClient::create(mqtt::EventQueue& queue, const HostedClientOptions& options,
                                                           const TaskGenerator& generator) {
  if (!wire::is_valid_id({options.fleet.data(), options.fleet.size()})) {
    return make_error(Status::kInvalidArgument, "'" + options.fleet + "' is not a fleet name: use " + wire::kIdRule);
  }
  std::unique_ptr<HostedClient> client(new HostedClient(options, generator));
  if (const Result<void> restored = client->restore(); !restored) return restored.error();
  if (const Result<void> started = client->start_session(queue, options); !started) return started.error();
  return client;
}

/// A model that is not sound any more, or not of this experiment, comes again.
Result<void> HostedClient::restore() {
  const auto task = state_.task();
  if (!task) return task.error();
  const auto model = state_.model();
  if (!model) return model.error();
  const auto release = state_.release();
  if (!release) return release.error();
  if (*task) client_.restore_task(**task);
  if (*release) {
    const std::vector<std::uint8_t>& file = (*release)->file;
    if (file.size() <= kept_release_.size()) std::copy(file.begin(), file.end(), kept_release_.begin());
    (void)client_.restore_release((*release)->number, static_cast<std::uint32_t>(file.size()));
  }
  if (!*model || (*model)->file.size() > model_.size()) return {};
  std::copy((*model)->file.begin(), (*model)->file.end(), model_.begin());
  if (client_.restore_model(static_cast<std::uint32_t>((*model)->file.size())) == Status::kOk) {
    saved_model_ = client_.model().digest;
  }
  return {};
}

Result<void> HostedClient::start_session(mqtt::EventQueue& queue, const HostedClientOptions& options) {
  const Result<std::string> name = mqtt::common_name_of(credentials_.certificate_file);
  if (!name) return name.error();
  if (*name != credentials_.device_id) {
    return make_error(Status::kDamaged, "the certificate file '" + credentials_.certificate_file + "' is for '" +
                                            *name + "', not for '" + credentials_.device_id +
                                            "'; put the device's own there");
  }
  mqtt::SessionOptions session;
  session.index = options.index;
  session.host = options.broker.host;
  session.port = options.broker.port;
  session.ca_file = credentials_.ca_file;
  session.certificate_file = credentials_.certificate_file;
  session.key_file = credentials_.key_file;
  session.client_id = credentials_.device_id;
  session.will = mqtt::Will{state_topic_, {}, mqtt::Retain::kYes};
  Result<std::unique_ptr<mqtt::Session>> started = mqtt::Session::start(queue, session);
  if (!started) return started.error();
  session_ = std::move(*started);
  return {};
}

// ---- mail -----------------------------------------------------------------------------------------------------------

void HostedClient::post(mqtt::Event event) {
  const std::lock_guard lock(mutex_);
  if (mailbox_bytes_ > kMaxMailboxBytes && event.kind == mqtt::EventKind::kMessage) return;
  mailbox_bytes_ += sizeof event + event.topic.size() + event.payload.size();
  mailbox_.push_back(std::move(event));
}

TurnResult HostedClient::take_turn(std::chrono::microseconds budget) {
  mail_.clear();
  {
    const std::lock_guard lock(mutex_);
    mail_.swap(mailbox_);
    mailbox_bytes_ = 0;
  }
  for (mqtt::Event& event : mail_) handle(event, steady_now_ms());
  client_.on_time(steady_now_ms());
  carry_out_actions();
  const auto end = std::chrono::steady_clock::now() + budget;
  while (client_.has_work() && std::chrono::steady_clock::now() < end) client_.work(steady_now_ms());
  carry_out_actions();
  save_model();

  TurnResult result;
  result.wake_ms = client_.next_wake_ms();
  if (stalled_) result.wake_ms = std::min(result.wake_ms, steady_now_ms() + kStallMs);
  const std::lock_guard lock(mutex_);
  counters_ = client_.counters();
  result.has_more = client_.has_work() || !mailbox_.empty();
  return result;
}

void HostedClient::handle(mqtt::Event& event, std::uint64_t now_ms) {
  switch (event.kind) {
    case mqtt::EventKind::kConnected:
      publishing_.reset();
      stalled_.reset();
      client_.on_connected(now_ms);
      return;
    case mqtt::EventKind::kDisconnected:
      publishing_.reset();
      stalled_.reset();
      client_.on_disconnected();
      return;
    case mqtt::EventKind::kPublished:
      if (publishing_ != event.token) return;
      publishing_.reset();
      client_.on_published(now_ms);
      return;
    case mqtt::EventKind::kMessage: handle_message(event, now_ms); return;
    case mqtt::EventKind::kProblem: return;
  }
}

void HostedClient::handle_message(mqtt::Event& event, std::uint64_t now_ms) {
  const Bytes payload(event.payload.data(), event.payload.size());
  if (event.topic == task_topic_) {
    handle_task(payload, now_ms);
  } else if (event.topic == release_topic_) {
    client_.on_release(payload, now_ms);
  } else if (event.topic == reply_topic_) {
    client_.on_reply(payload, now_ms);
  } else if (event.topic == patch_topic_) {
    client_.on_patch_bytes({0, payload}, now_ms);
  } else {
    wire::Topic topic;
    const bool is_ours = wire::parse_topic({event.topic.data(), event.topic.size()}, topic);
    if (is_ours && wire::is_chunk(topic.kind)) handle_model(topic, payload, now_ms);
  }
}

/// A task is noted before anything of it is sent.
void HostedClient::handle_task(Bytes message, std::uint64_t now_ms) {
  const std::uint32_t begun = client_.counters().tasks;
  client_.on_task(message, now_ms);
  if (client_.counters().tasks == begun || state_.save_task(client_.task_id())) return;
  client_.on_task_not_noted(now_ms);
}

void HostedClient::handle_model(const wire::Topic& topic, Bytes chunk, std::uint64_t now_ms) {
  ModelMessage message;  // whole
  ModelPiece piece;
  ModelWrite write;
  Bytes content;
  const auto length = static_cast<std::uint32_t>(chunk.size());
  if (!message.take(topic.chunk, 0, length, chunk, piece, content) || !client_.on_model_bytes(piece, write)) return;
  client_.on_model_stored(write, store_model(write, content), now_ms);
}

Status HostedClient::store_model(const ModelWrite& write, Bytes bytes) {
  std::vector<std::uint8_t>& place = write.store == ModelStoreKind::kModel ? model_ : coming_release_;
  if (write.offset > place.size() || bytes.size() > place.size() - write.offset) return Status::kUnavailable;
  std::memcpy(place.data() + write.offset, bytes.data(), bytes.size());
  return Status::kOk;
}

Status HostedClient::keep_release(const ReleaseToKeep& release) {
  const Bytes file(release.copies ? model_.data() : coming_release_.data(), release.bytes);
  if (!state_.save_release(release.number, file)) return Status::kUnavailable;
  std::copy(file.begin(), file.end(), kept_release_.begin());
  return Status::kOk;
}

/// The model of the slot, once it has changed. One that cannot be saved comes again after a restart.
void HostedClient::save_model() {
  if (!client_.has_model() || client_.model().digest == saved_model_) return;
  saved_model_ = client_.model().digest;
  (void)state_.save_model({model_.data(), client_.model_bytes()});
}

// ---- actions --------------------------------------------------------------------------------------------------------

void HostedClient::carry_out_actions() {
  Action action;
  if (stalled_) {
    if (!carry_out(*stalled_)) return;
    stalled_.reset();
  }
  while (client_.next_action(action)) {
    if (carry_out(action)) continue;
    stalled_ = action;  // its payload stays: on_published() has not been called
    return;
  }
}

bool HostedClient::carry_out(const Action& action) {
  if (action.kind == ActionKind::kStoreModel) {
    client_.on_model_stored(action.write, store_model(action.write, action.payload), steady_now_ms());
    return true;
  }
  if (action.kind == ActionKind::kKeepRelease) {
    client_.on_release_kept(keep_release(action.release), steady_now_ms());
    return true;
  }
  if (action.kind == ActionKind::kProbe) {  // a host's link is not slow
    client_.on_probe_answered(steady_now_ms());
    return true;
  }
  const std::string topic = wire::is_chunk(action.topic) ? model_topic(action) : topic_name(action.topic);
  switch (action.kind) {
    case ActionKind::kSubscribe: return session_->subscribe(topic, mqtt::Quality::kAtLeastOnce).has_value();
    case ActionKind::kUnsubscribe: return session_->unsubscribe(topic).has_value();
    case ActionKind::kPublish:
    case ActionKind::kStoreModel:
    case ActionKind::kProbe:
    case ActionKind::kKeepRelease: break;
  }
  const Result<mqtt::Token> token = session_->publish(topic, action.payload, mqtt::Quality::kAtLeastOnce,
                                                      action.retain ? mqtt::Retain::kYes : mqtt::Retain::kNo);
  if (!token) return false;
  publishing_ = *token;
  return true;
}

std::string HostedClient::topic_name(wire::TopicKind kind) const {
  return device_topic(kind, fleet_, credentials_.device_id);
}

std::string HostedClient::model_topic(const Action& action) const {
  wire::Topic topic;
  topic.kind = action.topic;
  topic.fleet = {fleet_.data(), fleet_.size()};
  topic.slot = action.slot;
  topic.chunk = action.chunk;
  char name[wire::kMaxTopicBytes];
  return {name, wire::format_topic(topic, name)};
}

ClientCounters HostedClient::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void HostedClient::say_goodbye(std::chrono::milliseconds grace) {
  (void)session_->publish(state_topic_, {}, mqtt::Quality::kAtLeastOnce, mqtt::Retain::kYes);
  session_->disconnect(grace);
}

}  // namespace skink::edge
