#include "skink/edge/internal/birth.hpp"

#include <string.h>

namespace skink::edge::internal {
namespace {

constexpr Health kUnknownHealth;
constexpr wire::TopicKind kTopics[] = {wire::TopicKind::kPatch, wire::TopicKind::kReply, wire::TopicKind::kTask};

}  // namespace

Birth::Birth(const char* firmware, const Health* health) noexcept
    : firmware_(firmware), health_(health != nullptr ? health : &kUnknownHealth) {}

void Birth::on_connected() noexcept {
  subscriptions_due_ = sizeof kTopics / sizeof kTopics[0];
  on_challenge(0);
}

void Birth::on_challenge(uint64_t challenge) noexcept {
  challenge_ = challenge;
  is_due_ = true;
}

bool Birth::next_subscription(Action& action) noexcept {
  if (subscriptions_due_ == 0) return false;
  action.kind = ActionKind::kSubscribe;
  action.topic = kTopics[--subscriptions_due_];
  return true;
}

bool Birth::next(wire::State& state) noexcept {
  if (!is_due_) return false;
  is_due_ = false;
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.online = true;
  strncpy(state.firmware, firmware_, sizeof state.firmware - 1);
  state.battery_percent = health_->battery_percent;
  state.reset_reason = health_->reset_reason;
  state.free_bytes = health_->free_bytes;
  state.stack_used_bytes = health_->stack_used_bytes;
  state.challenge = challenge_;
  return true;
}

}  // namespace skink::edge::internal
