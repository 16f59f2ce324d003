/// @file
/// The running norm that changes are clipped by. docs/arithmetic.md, section 8.

#include <catch2/catch.hpp>

#include "skink/rounds/clipping.hpp"

using namespace skink;
using rounds::RunningNorm;

TEST_CASE("running norm: it follows the median, and nothing moves it by more than a fifth", "[rounds]") {
  RunningNorm norm(10);
  norm.follow(0, 0);
  CHECK(norm.value() == 10);
  norm.follow(4, 2);
  CHECK(norm.value() == 10);
  norm.follow(1, 1);
  CHECK(norm.value() == 10 * 1.2);
  norm.follow(1, 0);
  CHECK(norm.value() == 10 * 1.2 * 0.8);
  for (int round = 0; round < 200; ++round) norm.follow(5, norm.value() < 0.5 ? 5 : 0);
  CHECK(norm.value() > 0.5 / 1.3);
  CHECK(norm.value() < 0.5 * 1.3);
}

TEST_CASE("running norm: one device in five does not raise it, however long its changes are", "[rounds]") {
  RunningNorm norm(1);
  for (int round = 0; round < 1000; ++round) {
    const std::uint32_t honest = norm.value() < 1 ? 4 : 0;
    norm.follow(5, 1 + honest);
  }
  CHECK(norm.value() < 1.3);
}

TEST_CASE("running norm: it stays a number", "[rounds]") {
  RunningNorm norm(0);
  CHECK(norm.value() > 0);
  for (int round = 0; round < 100000; ++round) norm.follow(1, 1);
  CHECK(norm.value() < 1e13);
  for (int round = 0; round < 100000; ++round) norm.follow(1, 0);
  CHECK(norm.value() > 0);
  CHECK_FALSE(norm.restore(0));
  CHECK_FALSE(norm.restore(-1));
  CHECK_FALSE(norm.restore(1e300 * 1e300));
  CHECK_FALSE(norm.restore(1e300 * 1e300 * 0));
  CHECK(norm.restore(3));
  CHECK(norm.value() == 3);
}
