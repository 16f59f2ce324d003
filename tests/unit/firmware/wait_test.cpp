#include "skink/firmware/wait.hpp"

#include <catch2/catch.hpp>

namespace skink::firmware {
namespace {

TEST_CASE("wait: asks until it is ready, and no more often than it may", "[firmware][wait]") {
  int asked = 0;
  CHECK(wait_until(5, [&asked] { return ++asked == 3; }));
  CHECK(asked == 3);
  asked = 0;
  CHECK_FALSE(wait_until(5, [&asked] { return ++asked == 6; }));
  CHECK(asked == 5);
  CHECK_FALSE(wait_until(0, [] { return true; }));
}

}  // namespace
}  // namespace skink::firmware
