#include "skink/coordinator/core/round_timing.hpp"

#include <algorithm>

namespace skink::coordinator {

const char* participation_text(Participation outcome) noexcept {
  switch (outcome) {
    case Participation::kOpen: return "open";
    case Participation::kTaken: return "taken";
    case Participation::kReplaced: return "replaced";
    case Participation::kDropped: return "dropped";
    case Participation::kDiverged: return "diverged";
    case Participation::kRefused: return "refused";
  }
  return "open";
}

void RoundTiming::open(std::uint32_t round, std::uint64_t now_ms) {
  clear();
  is_open_ = true;
  round_ = round;
  opened_ms_ = now_ms;
}

void RoundTiming::clear() {
  is_open_ = false;
  is_complete_ = true;
  participants_.clear();
  latest_.clear();
}

/// Its entry, a new one when it is seen for the first time; null when there is no room for it.
ParticipantTiming* RoundTiming::find(const ParticipantTiming& who) {
  if (who.slot >= latest_.size()) latest_.resize(std::size_t{who.slot} + 1);
  std::uint32_t& latest = latest_[who.slot];
  if (latest != 0 && participants_[latest - 1].attempt == who.attempt) return &participants_[latest - 1];
  if (participants_.size() >= kMostParticipants) {
    is_complete_ = false;
    return nullptr;
  }
  ParticipantTiming entry;
  entry.slot = who.slot;
  entry.attempt = who.attempt;
  entry.device_index = who.device_index;
  participants_.push_back(entry);
  latest = static_cast<std::uint32_t>(participants_.size());
  return &participants_.back();
}

void RoundTiming::note_asked(const ParticipantTiming& who, std::uint64_t now_ms) {
  if (!is_open_) return;
  ParticipantTiming* entry = find(who);
  if (entry != nullptr && entry->asked_ms == ParticipantTiming::kNever) entry->asked_ms = now_ms - opened_ms_;
}

void RoundTiming::note_heard(const ParticipantTiming& who, std::uint64_t now_ms) {
  if (!is_open_) return;
  ParticipantTiming* entry = find(who);
  if (entry != nullptr && entry->heard_ms == ParticipantTiming::kNever) entry->heard_ms = now_ms - opened_ms_;
}

void RoundTiming::note_ended(const ParticipantTiming& who, std::uint64_t now_ms) {
  if (!is_open_) return;
  ParticipantTiming* entry = find(who);
  if (entry == nullptr) return;
  entry->ended_ms = now_ms - opened_ms_;
  entry->outcome = who.outcome;
  entry->reason = who.reason;
}

}  // namespace skink::coordinator
