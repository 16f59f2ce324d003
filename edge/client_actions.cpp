/// @file
/// What the client wants done next: subscriptions first, then one publication at a time.

#include <string.h>

#include "client_details.hpp"
#include "skink/edge/client.hpp"

namespace skink::edge {

bool Client::next_action(Action& action) noexcept {
  if (!connected_) return false;
  action = {};
  return next_subscription(action) || next_model_subscription(action) || next_storing(action) ||
         next_publication(action);
}

bool Client::next_subscription(Action& action) noexcept {
  action.kind = ActionKind::kSubscribe;
  if (task_wanted_) {
    task_wanted_ = false;
    action.topic = wire::TopicKind::kTask;
    return true;
  }
  if (reply_wanted_) {
    reply_wanted_ = false;
    action.topic = wire::TopicKind::kReply;
    return true;
  }
  if (patch_wanted_) {
    patch_wanted_ = false;
    action.topic = wire::TopicKind::kPatch;
    return true;
  }
  return false;
}

bool Client::next_model_subscription(Action& action) noexcept {
  action.topic = wire::TopicKind::kModel;
  const bool downloading = state_ == ClientState::kDownloading;
  const bool outdated = !downloading || subscribe_all_ || subscribed_slot_ != task_.model_slot;
  if (outdated && next_unsubscription(action)) return true;
  if (!downloading) {
    subscribe_all_ = false;
    return false;
  }
  action.kind = ActionKind::kSubscribe;
  action.slot = task_.model_slot;
  subscribed_slot_ = action.slot;
  if (subscribe_all_) {
    subscribe_all_ = false;
    subscribed_all_ = true;
    action.chunk = wire::kAllChunks;
    return true;
  }
  while (subscribe_next_ < chunk_count_) {
    const uint32_t chunk = subscribe_next_++;
    if (has_bit(chunks_, chunk)) continue;
    set_bit(asked_, chunk);
    asked_end_ = chunk_count_;
    action.chunk = chunk;
    return true;
  }
  return false;
}

/// Undoes one subscription to chunks that are no longer waited for.
bool Client::next_unsubscription(Action& action) noexcept {
  action.kind = ActionKind::kUnsubscribe;
  action.slot = subscribed_slot_;
  if (subscribed_all_) {
    subscribed_all_ = false;
    action.chunk = wire::kAllChunks;
    return true;
  }
  while (asked_end_ > 0) {
    const uint32_t chunk = --asked_end_;
    if (!has_bit(asked_, chunk)) continue;
    clear_bit(asked_, chunk);
    action.chunk = chunk;
    return true;
  }
  return false;
}

bool Client::next_publication(Action& action) noexcept {
  if (outbox_busy_) return false;
  return publish_birth(action) || publish_refusal(action) || publish_chunk(action);
}

void Client::fill_publish(Action& action, wire::TopicKind topic, size_t bytes, bool retain) noexcept {
  action.kind = ActionKind::kPublish;
  action.topic = topic;
  action.payload = {outbox_, bytes};
  action.retain = retain;
  outbox_busy_ = true;
}

bool Client::publish_birth(Action& action) noexcept {
  if (!birth_wanted_) return false;
  birth_wanted_ = false;
  wire::State state{};
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.online = true;
  strncpy(state.firmware, config_.firmware, sizeof state.firmware - 1);
  state.arena_bytes = static_cast<uint32_t>(config_.arena.size());
  const Health health = config_.health != nullptr ? *config_.health : Health();
  state.battery_percent = health.battery_percent;
  state.reset_reason = health.reset_reason;
  state.free_bytes = health.free_bytes;
  state.stack_used_bytes = health.stack_used_bytes;
  if (model_ready_) state.model = crypto::prefix_of(model_.digest);
  size_t written = 0;
  state.challenge = challenge_;
  if (wire::encode_state(state, config_.identity, outbox_, written) != Status::kOk) return false;
  sending_ = Sending::kBirth;
  fill_publish(action, wire::TopicKind::kState, written, true);
  return true;
}

bool Client::publish_refusal(Action& action) noexcept {
  if (!refusal_.waits) return false;
  refusal_.waits = false;
  wire::Update update;
  update.id = refusal_.id;
  update.outcome = wire::Outcome::kRefused;
  update.refusal = refusal_.reason;
  size_t written = 0;
  if (wire::encode_update(update, {}, config_.identity, outbox_, written) != Status::kOk) return false;
  sending_ = Sending::kRefusal;
  fill_publish(action, wire::TopicKind::kUpdate, written, false);
  return true;
}

bool Client::publish_chunk(Action& action) noexcept {
  if (state_ != ClientState::kUploading) return false;
  wire::Update update = result_;
  update.chunk = update_chunk_;
  wire::PayloadSource payload;
  if (result_.outcome == wire::Outcome::kAdapted) {
    payload_offset_ = update_chunk_ * chunk_bytes_;
    update.offset = static_cast<uint32_t>(payload_offset_);
    const size_t left = result_.total_bytes - payload_offset_;
    payload = {this, &read_payload, left < chunk_bytes_ ? left : chunk_bytes_};
  }
  size_t written = 0;
  if (wire::encode_update(update, payload, config_.identity, outbox_, written) != Status::kOk) {
    state_ = ClientState::kWaiting;  // phi could not be read now; the timer tries again
    return false;
  }
  sending_ = Sending::kChunk;
  fill_publish(action, wire::TopicKind::kUpdate, written, false);
  return true;
}

Status Client::read_payload(void* context, MutableBytes out) noexcept {
  auto& client = *static_cast<Client*>(context);
  const Status status = client.encoder_.read(client.payload_offset_, out);
  client.payload_offset_ += out.size();
  return status;
}

}  // namespace skink::edge
