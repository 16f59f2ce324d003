#include <catch2/catch.hpp>

#include "skink/coordinator/service/schedules.hpp"

using skink::coordinator::ScheduleTimer;

namespace {

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kNow = 1'795'977'000;  // 2026

}  // namespace

TEST_CASE("schedule timer: it is due once in its time, and keeps its rhythm", "[service][schedule]") {
  ScheduleTimer timer(60, kNow + 10, 1000, kNow);
  CHECK_FALSE(timer.is_due(10'999, kNow + 9));
  REQUIRE(timer.is_due(11'000, kNow + 10));
  CHECK(timer.is_due(13'000, kNow + 12));  // it stays so
  CHECK(timer.rearm(13'000, kNow + 12) == kNow + 70);
  CHECK_FALSE(timer.is_due(70'999, kNow + 69));
  CHECK(timer.is_due(71'000, kNow + 70));
  CHECK_FALSE(ScheduleTimer().is_due(1'000'000'000, kNow));
}

TEST_CASE("schedule timer: what was missed is not made up for", "[service][schedule]") {
  ScheduleTimer after_downtime(60, kNow - 10 * kDay, 500, kNow);
  REQUIRE(after_downtime.is_due(500, kNow));
  CHECK(after_downtime.rearm(500, kNow) == kNow + 60);
  CHECK_FALSE(after_downtime.is_due(60'499, kNow + 59));
  ScheduleTimer long_run(60, kNow + 60, 0, kNow);
  CHECK(long_run.rearm(600'000, kNow + 600) == kNow + 660);
}

TEST_CASE("schedule timer: a time of day that jumps makes nothing due twice, and nothing never",
          "[service][schedule]") {
  ScheduleTimer timer(60, kNow, 0, kNow);
  REQUIRE(timer.is_due(0, kNow));
  (void)timer.rearm(0, kNow);
  CHECK_FALSE(timer.is_due(1000, kNow + 365 * kDay));  // forth
  CHECK_FALSE(timer.is_due(2000, kNow - 365 * kDay));  // back
  CHECK(timer.is_due(60'000, kNow - 365 * kDay));
  // A start with a clock that is years behind, or was years ahead when the next time was written.
  ScheduleTimer behind(60, kNow + 30, 0, 1000);
  CHECK_FALSE(behind.is_due(59'999, 1059));
  CHECK(behind.is_due(60'000, 1060));
  ScheduleTimer set_right(7 * kDay, kNow + 30, 0, 1000);
  CHECK(set_right.is_due(45'000, kNow + 40));  // the network has told the time
}
