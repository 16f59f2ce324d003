#include "skink/coordinator/core/round_timing.hpp"

#include <catch2/catch.hpp>

#include "skink/coordinator/service/round_ring.hpp"
#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using namespace skink::coordinator;

namespace {

ParticipantTiming place(std::uint32_t slot, std::uint32_t attempt, Participation outcome = Participation::kOpen,
                        wire::Refusal reason = wire::Refusal::kNone) {
  ParticipantTiming who;
  who.slot = slot;
  who.attempt = attempt;
  who.device_index = 10 * slot + attempt;
  who.outcome = outcome;
  who.reason = reason;
  return who;
}

}  // namespace

TEST_CASE("round timing: the first task and the first answer count, and a replaced device keeps its line",
          "[coordinator]") {
  RoundTiming timing;
  timing.note_asked(place(0, 0), 5);  // of an evaluation: no round is open
  CHECK(timing.participants().empty());
  timing.open(7, 100);
  timing.note_asked(place(1, 0), 101);
  timing.note_asked(place(1, 0), 150);
  timing.note_ended(place(1, 0, Participation::kReplaced, wire::Refusal::kLate), 160);
  timing.note_asked(place(1, 1), 161);
  timing.note_heard(place(1, 1), 170);
  timing.note_heard(place(1, 1), 175);
  timing.note_ended(place(1, 1, Participation::kTaken), 180);
  timing.note_ended(place(2, 0, Participation::kDropped), 190);  // was away: it was never asked
  timing.close(200);
  timing.note_heard(place(2, 0), 210);
  REQUIRE(timing.participants().size() == 3);
  const auto& lines = timing.participants();
  CHECK(lines[0].asked_ms == 1);
  CHECK(lines[0].heard_ms == ParticipantTiming::kNever);
  CHECK(lines[0].ended_ms == 60);
  CHECK(lines[0].outcome == Participation::kReplaced);
  CHECK(lines[0].reason == wire::Refusal::kLate);
  CHECK(lines[1].device_index == 11);
  CHECK(lines[1].heard_ms == 70);
  CHECK(lines[1].outcome == Participation::kTaken);
  CHECK(lines[2].asked_ms == ParticipantTiming::kNever);
  CHECK(lines[2].heard_ms == ParticipantTiming::kNever);
  CHECK(timing.duration_ms() == 100);
  CHECK(timing.round() == 7);
  CHECK_FALSE(timing.is_open());
}

TEST_CASE("round timing: is bounded, and says so", "[coordinator]") {
  RoundTiming timing;
  timing.open(0, 0);
  for (std::uint32_t slot = 0; slot < RoundTiming::kMostParticipants; ++slot) timing.note_asked(place(slot, 0), 1);
  CHECK(timing.is_complete());
  timing.note_asked(place(0, 1), 2);
  CHECK_FALSE(timing.is_complete());
  CHECK(timing.participants().size() == RoundTiming::kMostParticipants);
  timing.note_heard(place(5, 0), 3);
  CHECK(timing.participants()[5].heard_ms == 3);
  timing.open(1, 9);
  CHECK(timing.is_complete());
  CHECK(timing.participants().empty());
}

TEST_CASE("core: says of the open round and of the last one who was asked and who answered", "[coordinator][core]") {
  test::CoreBench bench;
  const std::string first = bench.first();
  const std::string second = bench.second();
  CHECK(bench.core.round_timing().is_open());
  bench.send(first, bench.update_for(first), {1.0F, 0.0F});
  bench.core.on_time(2000);  // the other's deadline is over
  bench.take();
  const RoundTiming& open = bench.core.round_timing();
  REQUIRE(open.participants().size() == 3);
  CHECK(open.participants()[0].outcome == Participation::kTaken);
  CHECK(open.participants()[1].outcome == Participation::kReplaced);
  CHECK(open.participants()[1].reason == wire::Refusal::kLate);
  CHECK(open.participants()[1].heard_ms == ParticipantTiming::kNever);
  CHECK(open.participants()[2].outcome == Participation::kOpen);
  CHECK(open.participants()[2].asked_ms == open.participants()[1].ended_ms);
  const std::string third = bench.core.roster()[open.participants()[2].device_index];
  bench.send(third, bench.update_for(third), {1.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);
  const RoundTiming& last = bench.core.last_round_timing();
  CHECK(last.round() == 0);
  CHECK_FALSE(last.is_open());
  REQUIRE(last.participants().size() == 3);
  CHECK(last.participants()[2].outcome == Participation::kTaken);
  CHECK(bench.core.round_timing().round() == 1);
  CHECK(bench.core.round_timing().participants().size() == 2);
}

TEST_CASE("round ring: forgets the oldest round", "[coordinator]") {
  RoundRing ring;
  for (std::uint32_t round = 0; round <= RoundRing::kMostRounds; ++round) {
    RoundParticipants one;
    one.run = 3;
    one.round = round;
    ring.add(one);
  }
  CHECK_FALSE(ring.find(3, 0).has_value());
  CHECK(ring.find(3, 1).has_value());
  CHECK(ring.find(3, RoundRing::kMostRounds).has_value());
  CHECK_FALSE(ring.find(4, 1).has_value());
}
