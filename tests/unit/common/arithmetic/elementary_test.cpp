/// @file
/// exp, log, tanh, sin, cos and sqrt against libm in long double, over sweeps of all bit patterns and dense ranges. The
/// bounds are those of the header.

#include "skink/common/arithmetic/elementary.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "skink/common/arithmetic/real.hpp"

using namespace skink;
using arithmetic::RealTraits;

namespace {

using Exact = long double;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallestNormal = std::numeric_limits<float>::min();
constexpr float kLargest = std::numeric_limits<float>::max();

/// Every `step`-th bit pattern: all exponents, denormals, both signs. NaN and infinities are left out.
void for_all_patterns(std::uint32_t step, const std::function<void(float)>& visit) {
  for (std::uint64_t bits = 0; bits <= 0xffffffffU; bits += step) {
    const float x = RealTraits<float>::from_bits(static_cast<std::uint32_t>(bits));
    if (arithmetic::is_finite(x)) visit(x);
  }
}

void for_range(float low, float high, int count, const std::function<void(float)>& visit) {
  for (int i = 0; i <= count; ++i) visit(low + (high - low) * (static_cast<float>(i) / static_cast<float>(count)));
}

/// The largest error over everything visited.
struct Worst {
  Exact error = 0;
  float at = 0;
  void add(float x, Exact candidate) {
    if (!(candidate <= error)) {  // NaN is worst of all
      error = candidate;
      at = x;
    }
  }
};

Exact relative(float value, Exact exact) { return std::fabs((static_cast<Exact>(value) - exact) / exact); }
Exact absolute(float value, Exact exact) { return std::fabs(static_cast<Exact>(value) - exact); }

constexpr std::uint32_t kStep = 4999;  // prime: all low bits occur

}  // namespace

TEST_CASE("exp: relative error below 2e-7 on the whole domain", "[common][arithmetic][elementary]") {
  Worst worst;
  const auto visit = [&worst](float x) {
    const float clamped = std::min(std::max(x, -87.0F), 88.0F);
    worst.add(x, relative(arithmetic::exp(x), std::exp(static_cast<Exact>(clamped))));
  };
  for_all_patterns(kStep, visit);
  for_range(-87.0F, 88.0F, 400000, visit);
  CAPTURE(worst.at);
  CHECK(worst.error < 2e-7L);
}

TEST_CASE("log: relative error below 2e-7, absolute 1e-7 near 1", "[common][arithmetic][elementary]") {
  Worst worst;
  const auto visit = [&worst](float x) {
    const float clamped = std::min(std::max(x, kSmallestNormal), kLargest);
    const Exact exact = std::log(static_cast<Exact>(clamped));
    const float value = arithmetic::log(x);
    worst.add(x, absolute(value, exact) < 1e-7L ? 0 : relative(value, exact));
  };
  for_all_patterns(kStep, visit);
  for_range(0.5F, 2.0F, 400000, visit);
  CAPTURE(worst.at);
  CHECK(worst.error < 2e-7L);
}

TEST_CASE("tanh: relative error below 3e-7 on all numbers", "[common][arithmetic][elementary]") {
  Worst worst;
  const auto visit = [&worst](float x) {
    if (x != 0.0F) worst.add(x, relative(arithmetic::tanh(x), std::tanh(static_cast<Exact>(x))));
  };
  for_all_patterns(kStep, visit);
  for_range(-10.0F, 10.0F, 400000, visit);
  CAPTURE(worst.at);
  CHECK(worst.error < 3e-7L);
}

TEST_CASE("sin and cos: absolute error below 3e-7 up to 8192", "[common][arithmetic][elementary]") {
  Worst sine;
  Worst cosine;
  const auto visit = [&](float x) {
    if (std::fabs(x) > 8192.0F) return;
    sine.add(x, absolute(arithmetic::sin(x), std::sin(static_cast<Exact>(x))));
    cosine.add(x, absolute(arithmetic::cos(x), std::cos(static_cast<Exact>(x))));
  };
  for_all_patterns(kStep, visit);
  for_range(-7.0F, 7.0F, 200000, visit);
  for_range(-8192.0F, 8192.0F, 400000, visit);
  CAPTURE(sine.at, cosine.at);
  CHECK(sine.error < 3e-7L);
  CHECK(cosine.error < 3e-7L);
}

TEST_CASE("sqrt: correctly rounded, by the instruction and from integers", "[common][arithmetic][elementary]") {
  const auto check = [](std::uint32_t pattern) {
    const float x = RealTraits<float>::from_bits(pattern);
    const auto exact = static_cast<float>(std::sqrt(static_cast<double>(x)));  // twice and two digits: rounds alike
    const std::uint32_t expected = RealTraits<float>::to_bits(exact);
    if (arithmetic::internal::square_root_bits(pattern) != expected) FAIL("from integers: " << x);
    if (RealTraits<float>::to_bits(arithmetic::sqrt(x)) != expected) FAIL("sqrt: " << x);
  };
  const std::uint32_t infinity = RealTraits<float>::to_bits(kInfinity);
  for (std::uint64_t bits = 0; bits < infinity; bits += 997) check(static_cast<std::uint32_t>(bits));
  const std::uint32_t one = RealTraits<float>::to_bits(1.0F);
  for (std::uint32_t bits = one; bits < one + (2U << 23); bits += 3) check(bits);  // both parities of the exponent
  for (std::uint32_t bits = 0; bits < 5000; ++bits) check(bits);                   // denormals
  for (std::uint32_t edge = 1; edge < 256; ++edge) {
    for (std::uint32_t near = 0; near < 4; ++near) check((edge << 23) - near);
    if (edge < 255) check((edge << 23) + 1);
  }
  check(infinity);
  CHECK(RealTraits<float>::to_bits(arithmetic::sqrt(-0.0F)) == 0x80000000U);
  CHECK(arithmetic::internal::square_root_bits(0x80000000U) == 0x80000000U);
  for (const float x : {-1.0F, -kInfinity, kNan, -1e-45F}) {
    CHECK(std::isnan(arithmetic::sqrt(x)));
    CHECK(std::isnan(
        RealTraits<float>::from_bits(arithmetic::internal::square_root_bits(RealTraits<float>::to_bits(x)))));
  }
}

TEST_CASE("elementary functions: exact where the document makes them exact", "[common][arithmetic][elementary]") {
  CHECK(arithmetic::exp(0.0F) == 1.0F);
  CHECK(arithmetic::log(1.0F) == 0.0F);
  CHECK(arithmetic::tanh(0.0F) == 0.0F);
  CHECK(arithmetic::sin(0.0F) == 0.0F);
  CHECK(arithmetic::cos(0.0F) == 1.0F);
  for_all_patterns(kStep * 16, [](float x) {
    REQUIRE(arithmetic::tanh(-x) == -arithmetic::tanh(x));
    REQUIRE(std::fabs(arithmetic::tanh(x)) <= 1.0F);
  });
  const float denormal = std::numeric_limits<float>::denorm_min();
  CHECK(arithmetic::tanh(denormal) == denormal);
  CHECK(arithmetic::sin(-denormal) == -denormal);
}

TEST_CASE("elementary functions: NaN, infinities and arguments outside give the stated values",
          "[common][arithmetic][elementary]") {
  CHECK(arithmetic::exp(kNan) == arithmetic::exp(-87.0F));
  CHECK(arithmetic::exp(-kInfinity) == arithmetic::exp(-87.0F));
  CHECK(arithmetic::exp(-1000.0F) == arithmetic::exp(-87.0F));
  CHECK(arithmetic::exp(kInfinity) == arithmetic::exp(88.0F));
  CHECK(arithmetic::is_finite(arithmetic::exp(88.0F)));

  const float lowest = arithmetic::log(kSmallestNormal);
  for (const float x : {kNan, -kInfinity, -1.0F, -0.0F, 0.0F, 1e-40F}) CHECK(arithmetic::log(x) == lowest);
  CHECK(arithmetic::log(kInfinity) == arithmetic::log(kLargest));

  CHECK(arithmetic::tanh(kNan) == -1.0F);
  CHECK(arithmetic::tanh(kInfinity) == 1.0F);
  CHECK(arithmetic::tanh(-kInfinity) == -1.0F);

  for (const float x : {kNan, kInfinity, -kInfinity, 8193.0F, -8193.0F, 1e30F}) {
    CHECK(arithmetic::sin(x) == 0.0F);
    CHECK(arithmetic::cos(x) == 1.0F);
  }
}

TEST_CASE("canonical: zero loses its sign, all else is kept", "[common][arithmetic][real]") {
  CHECK_FALSE(std::signbit(arithmetic::canonical(-0.0F)));
  for_all_patterns(kStep * 64, [](float x) {
    if (x != 0.0F) REQUIRE(RealTraits<float>::to_bits(arithmetic::canonical(x)) == RealTraits<float>::to_bits(x));
  });
  CHECK_FALSE(arithmetic::is_finite(kNan));
  CHECK_FALSE(arithmetic::is_finite(-kInfinity));
  CHECK(arithmetic::is_finite(kLargest));
}
