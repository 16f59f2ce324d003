/// @file
/// A random number generator that fails for a while, for ever, or stands still.

#include "skink/firmware/entropy.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "fakes/fake_port.hpp"

namespace skink::firmware {
namespace {

/// Fails or stands still `failures` times, then counts up.
void fail(int failures, bool stands_still, int& asked) {
  asked = 0;
  test::entropy() = [failures, stands_still, &asked](MutableBytes out) {
    const bool fails = asked++ < failures;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(fails ? 0x5a : i);
    return fails && !stands_still ? Status::kUnavailable : Status::kOk;
  };
}

TEST_CASE("entropy: a generator that fails is asked again", "[firmware][entropy]") {
  const bool stands_still = GENERATE(true, false);
  const int failures = GENERATE(0, 1, kEntropyAttempts - 1, kEntropyAttempts, 1000);
  int asked = 0;
  fail(failures, stands_still, asked);
  std::uint8_t bytes[32] = {};
  const Status status = draw_entropy(MutableBytes(bytes));
  if (failures < kEntropyAttempts) {
    CHECK(status == Status::kOk);
    CHECK((bytes[0] == 0 && bytes[31] == 31));
    CHECK(asked == failures + 1);
  } else {
    CHECK(status == Status::kUnavailable);
    CHECK(asked == kEntropyAttempts);
  }
}

TEST_CASE("entropy: so few bytes may be equal", "[firmware][entropy]") {
  int asked = 0;
  fail(1, true, asked);
  std::uint8_t bytes[8] = {};
  CHECK(draw_entropy(MutableBytes(bytes).first(7)) == Status::kOk);
  CHECK(asked == 1);
  fail(1, true, asked);
  CHECK(draw_entropy(MutableBytes(bytes)) == Status::kOk);
  CHECK(asked == 2);
}

}  // namespace
}  // namespace skink::firmware
