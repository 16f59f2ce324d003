#pragma once
/// @file
/// The devices of the last rounds and what came of them, in memory: it is no result, and a restart forgets it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "skink/coordinator/core/round_timing.hpp"

namespace skink::coordinator {

/// A device in a place of a round's cohort.
struct RoundParticipant {
  std::string device;  ///< id
  ParticipantTiming timing;
};

/// Those of one round.
struct RoundParticipants {
  std::uint32_t run = 0;  ///< RunRow::number
  std::uint32_t round = 0;
  bool is_open = false;
  bool is_complete = true;       ///< false: there were more (RoundTiming::kMostParticipants)
  std::uint64_t elapsed_ms = 0;  ///< since it was opened; of a finished one: until its end
  std::vector<RoundParticipant> participants;
};

/// The last rounds, of any run.
class RoundRing {
 public:
  static constexpr std::size_t kMostRounds = 64;

  /// One that is finished. The oldest is forgotten when there are more than kMostRounds.
  void add(RoundParticipants round) {
    rounds_.push_back(std::move(round));
    if (rounds_.size() > kMostRounds) rounds_.pop_front();
  }
  /// None: it is not there any more, or was not yet.
  std::optional<RoundParticipants> find(std::uint32_t run, std::uint32_t round) const {
    for (const RoundParticipants& one : rounds_) {
      if (one.run == run && one.round == round) return one;
    }
    return std::nullopt;
  }

 private:
  std::deque<RoundParticipants> rounds_;
};

}  // namespace skink::coordinator
