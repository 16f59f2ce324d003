#include "skink/coordinator/core/slot_book.hpp"

#include <algorithm>

#include "skink/rounds/evaluation_plan.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kFirstResendMs = 5000;
constexpr std::uint64_t kLongestResendMs = 60000;

}  // namespace

void SlotBook::open_round(std::uint32_t round, const std::vector<std::uint32_t>& training) {
  slots_.clear();
  round_ = round;
  training_ = &training;
  next_position_ = experiment_->meta.cohort;
  for (std::uint32_t position = 0; position < experiment_->meta.cohort; ++position) {
    Slot slot;
    slot.device_index = device_at(position);
    slot.open = true;
    slots_.push_back(std::move(slot));
  }
}

void SlotBook::open_evaluation(std::uint32_t rounds_done, const std::vector<std::uint32_t>& held_out,
                               std::uint64_t now_ms) {
  slots_.clear();
  const std::uint32_t tasks = rounds::evaluation_tasks(*experiment_, rounds_done);
  for (std::size_t place = 0; place < held_out.size(); ++place) {
    const rounds::TaskShare share = rounds::evaluation_share(tasks, place, held_out.size());
    Slot slot;
    slot.device_index = held_out[place];
    slot.first_task = share.first;
    slot.task_count = share.count;
    slot.task_step = share.step;
    slot.open = share.count > 0;
    slot.deadline_ms = now_ms + experiment_->fleet.deadline_ms;
    slots_.push_back(std::move(slot));
  }
}

void SlotBook::apply(const TranscriptEvent& event, rounds::RoundRecord& record) {
  if (event.slot >= slots_.size()) return;
  Slot& slot = slots_[event.slot];
  switch (event.kind) {
    case EventKind::kReplaced:
      slot.device_index = event.device_index;
      slot.attempt = event.attempt;
      slot.forgot = false;
      slot.known_samples = 0;
      ++next_position_;
      ++record.replaced;
      break;
    case EventKind::kDropped: slot.open = false; break;
    case EventKind::kRefused:
      slot.open = false;
      ++record.refused;
      break;
    case EventKind::kDiverged:
      slot.open = false;
      ++record.diverged;
      break;
    case EventKind::kForgot: slot.forgot = true; break;
    case EventKind::kSamples: slot.known_samples = event.support_samples; break;
    case EventKind::kMissing:
    case EventKind::kLateJoin: break;
  }
}

Slot* SlotBook::open_slot_of(std::uint32_t device_index) {
  for (Slot& slot : slots_) {
    if (slot.open && slot.device_index == device_index) return &slot;
  }
  return nullptr;
}

std::uint32_t SlotBook::open_count() const {
  return static_cast<std::uint32_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.open; }));
}

std::uint32_t SlotBook::taken_count() const {
  return static_cast<std::uint32_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.taken; }));
}

bool SlotBook::all_wait() const {
  return open_count() > 0 &&
         std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.open && !slot.waits; });
}

std::optional<std::uint32_t> SlotBook::next_device() {
  if (next_position_ >= positions()) return std::nullopt;
  return device_at(next_position_++);
}

std::uint32_t SlotBook::device_at(std::uint32_t position) const {
  return rounds::cohort_device(experiment_->seed, round_, *training_, position);
}

void SlotBook::renew(Slot& slot, std::uint64_t now_ms) const {
  slot.deadline_ms = now_ms + experiment_->fleet.deadline_ms;
  slot.offline_ms = Slot::kNever;
  slot.assembly.reset();
}

void SlotBook::put_off_resend(Slot& slot, std::uint64_t now_ms) const {
  slot.resend_ms = now_ms + resend_wait(slot.sends);
}

/// Never so often that it disturbs a slow device.
std::uint64_t SlotBook::resend_wait(std::uint32_t sends) const {
  const std::uint64_t wait = std::min<std::uint64_t>(kFirstResendMs << std::min(sends, 10U), kLongestResendMs);
  return std::clamp<std::uint64_t>(wait, 1, std::max<std::uint64_t>(1, experiment_->fleet.deadline_ms / 3));
}

std::uint64_t SlotBook::wake_ms() const {
  std::uint64_t wake = Slot::kNever;
  for (const Slot& slot : slots_) {
    if (slot.open) wake = std::min({wake, slot.deadline_ms, slot.resend_ms, slot.offline_ms});
  }
  return wake;
}

}  // namespace skink::coordinator
