/// @file
/// Each peer's share of a server, by a clock of the test's own.

#include <catch2/catch.hpp>

#include "http/pace.hpp"

using namespace skink::coordinator::http;
using namespace std::chrono_literals;

TEST_CASE("http pace: a burst, then as many as come back", "[coordinator][http]") {
  Limits limits;
  limits.pace_burst = 3;
  limits.pace_per_second = 2;
  Pace pace(limits);
  const auto start = Pace::Clock::now();
  for (int i = 0; i < 3; ++i) CHECK(pace.charge("a", 1, start) == 0ms);
  CHECK(pace.charge("a", 1, start) == 500ms);
  CHECK(pace.charge("a", 2, start) == 1500ms);
  CHECK(pace.charge("b", 1, start) == 0ms);
  CHECK(pace.charge("a", 1, start + 1500ms) == 500ms);
  CHECK(pace.charge("a", 4, start + 1h) == 500ms);  // not more than a burst is saved
}

TEST_CASE("http pace: what is only done for who asks rarely is never owed", "[coordinator][http]") {
  Limits limits;
  limits.pace_burst = 2;
  limits.pace_per_second = 1;
  Pace pace(limits);
  const auto start = Pace::Clock::now();
  CHECK(pace.try_charge("a", start));
  CHECK(pace.try_charge("a", start));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(pace.try_charge("a", start));
  CHECK(pace.try_charge("a", start + 1s));
}

TEST_CASE("http pace: peers are forgotten, the one that came longest ago first", "[coordinator][http]") {
  Limits limits;
  limits.pace_burst = 1;
  limits.pace_per_second = 1;
  limits.pace_peers = 2;
  Pace pace(limits);
  const auto start = Pace::Clock::now();
  CHECK(pace.charge("a", 100, start) > 0ms);
  CHECK(pace.charge("b", 100, start + 1ms) > 0ms);
  CHECK(pace.charge("c", 1, start + 2ms) == 0ms);
  CHECK(pace.charge("b", 1, start + 2ms) > 0ms);
  CHECK(pace.charge("a", 1, start + 3ms) == 0ms);
}
