#pragma once
/// @file
/// When the devices of a round were asked, were first heard and were done, and what came of each: for people who look
/// for stragglers. Nothing depends on it and nothing of it is stored.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

/// What came of a device that had a place in a cohort.
enum class Participation : std::uint8_t {
  kOpen,      ///< not known yet
  kTaken,     ///< its change is in the sum
  kReplaced,  ///< another device got its place
  kDropped,   ///< likewise, but nobody was left to get it
  kDiverged,
  kRefused  ///< its change was not finite, or too large
};
/// "open", "taken", "replaced", "dropped", "diverged", "refused"; static storage.
const char* participation_text(Participation outcome) noexcept;

/// One device in one place. Times are milliseconds since the round was opened.
struct ParticipantTiming {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  std::uint32_t slot = 0;  ///< place in the cohort
  std::uint32_t attempt = 0;
  std::uint32_t device_index = 0;
  std::uint64_t asked_ms = kNever;  ///< the first time; kNever: it was away
  std::uint64_t heard_ms = kNever;  ///< the first part of its answer
  std::uint64_t ended_ms = kNever;  ///< its outcome was known
  Participation outcome = Participation::kOpen;
  wire::Refusal reason = wire::Refusal::kNone;
};

/// Of one round.
class RoundTiming {
 public:
  /// Those beyond these are not kept.
  static constexpr std::size_t kMostParticipants = 1000;

  /// Begins anew.
  void open(std::uint32_t round, std::uint64_t now_ms);
  /// What happens from now on belongs to no round.
  void close(std::uint64_t now_ms) {
    is_open_ = false;
    closed_ms_ = now_ms;
  }

  /// As it was in the beginning; keeps its memory.
  void clear();

  /// The device has the place, and is asked or heard; `slot`, `attempt` and `device_index` say who that is.
  void note_asked(const ParticipantTiming& who, std::uint64_t now_ms);
  void note_heard(const ParticipantTiming& who, std::uint64_t now_ms);
  /// `outcome` and `reason` say what came of it.
  void note_ended(const ParticipantTiming& who, std::uint64_t now_ms);

  /// Which one, from 0; of open() last.
  std::uint32_t round() const { return round_; }
  /// Between open() and close().
  bool is_open() const { return is_open_; }
  /// When it was opened, by the clock of the calls.
  std::uint64_t opened_ms() const { return opened_ms_; }
  /// How long it took; of a closed one.
  std::uint64_t duration_ms() const { return closed_ms_ - opened_ms_; }
  /// In the order in which they got their places.
  const std::vector<ParticipantTiming>& participants() const { return participants_; }
  /// False: there were more.
  bool is_complete() const { return is_complete_; }

 private:
  ParticipantTiming* find(const ParticipantTiming& who);

  bool is_open_ = false;
  std::uint32_t round_ = 0;
  std::uint64_t opened_ms_ = 0;
  std::uint64_t closed_ms_ = 0;
  bool is_complete_ = true;
  std::vector<ParticipantTiming> participants_;
  std::vector<std::uint32_t> latest_;  // by slot: its entry of participants_, plus 1; 0: none
};

}  // namespace skink::coordinator
