#include "skink/edge/internal/birth.hpp"

#include <string.h>

#include "skink/common/crc32.hpp"
#include "skink/common/wire/battery.hpp"

namespace skink::edge::internal {
namespace {

constexpr Health kUnknownHealth;
constexpr wire::TopicKind kTopics[] = {wire::TopicKind::kTask, wire::TopicKind::kReply, wire::TopicKind::kPatch,
                                       wire::TopicKind::kRelease};

}  // namespace

Birth::Birth(const char* firmware, const Health* health, Topics topics) noexcept
    : firmware_(firmware), health_(health != nullptr ? health : &kUnknownHealth), topics_(topics) {}

void Birth::on_connected() noexcept {
  next_topic_ = 0;
  on_challenge(0);
}

void Birth::on_challenge(uint64_t challenge) noexcept {
  challenge_ = challenge;
  is_due_ = true;
}

void Birth::on_samples(const SampleSource& samples) noexcept {
  wire::State state{};
  describe(samples, state);
  uint8_t* of_class = state.class_samples.bytes;
  for (uint32_t i = 0; i < state.class_samples.size; ++i) {
    uint8_t digits = 0;
    while (of_class[i] >> digits != 0) ++digits;
    of_class[i] = digits;
  }
  const uint32_t levels = crc32({of_class, state.class_samples.size}, state.samples > 1 ? 1 : 0);
  if (levels != sample_levels_) is_due_ = true;
  sample_levels_ = levels;
}

void describe(const SampleSource& samples, wire::State& state) noexcept {
  if (samples.count == nullptr) return;
  uint32_t classes = 0;
  state.samples = 1 + samples.count(samples.context, MutableBytes(state.class_samples.bytes), classes);
  state.class_samples.size = static_cast<pb_size_t>(classes);
}

void Birth::look_at_battery() noexcept {
  const bool is_low = wire::is_battery_low(health_->battery_percent, is_battery_low_);
  if (is_low != is_battery_low_) is_due_ = true;
  is_battery_low_ = is_low;
}

static_assert(sizeof kTopics / sizeof kTopics[0] == 4, "kTopicCount");

bool Birth::next_subscription(Action& action) noexcept {
  if (next_topic_ == (topics_ == Topics::kTasks ? kTopicCount - 1 : kTopicCount)) return false;
  action.kind = ActionKind::kSubscribe;
  action.topic = kTopics[next_topic_++];
  return true;
}

bool Birth::next(wire::State& state) noexcept {
  look_at_battery();
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
