#include "skink/common/arithmetic/fixed_point.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace skink::arithmetic;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kMost = std::int64_t{1} << 40;  // a loss of 2^20 in units of 2^-20

}  // namespace

TEST_CASE("fixed point: only finite changes below 128 may be aggregated", "[common][arithmetic][fixed_point]") {
  const float largest = std::nextafter(128.0F, 0.0F);
  for (const float sound : {0.0F, -0.0F, 1e-45F, -1.5F, largest, -largest}) CHECK(is_aggregatable(sound));
  for (const float refused : {128.0F, -128.0F, 1e38F, kInfinity, -kInfinity, kNan, -kNan}) {
    CHECK_FALSE(is_aggregatable(refused));
  }
}

TEST_CASE("fixed point: changes round half to even", "[common][arithmetic][fixed_point]") {
  const auto [units, rounded] = GENERATE(table<float, std::int64_t>({{0.0F, 0},
                                                                     {0.25F, 0},
                                                                     {0.5F, 0},
                                                                     {0.75F, 1},
                                                                     {1.5F, 2},
                                                                     {2.5F, 2},
                                                                     {3.5F, 4},
                                                                     {1000001.5F, 1000002},
                                                                     {1000002.5F, 1000002}}));
  CHECK(to_fixed_point(units * 0x1p-36F) == rounded);
  CHECK(to_fixed_point(-units * 0x1p-36F) == -rounded);
}

TEST_CASE("fixed point: the extremes of a round fit 64 bits", "[common][arithmetic][fixed_point]") {
  const float largest = std::nextafter(128.0F, 0.0F);
  const std::int64_t fixed = to_fixed_point(largest);
  CHECK(fixed == (std::int64_t{1} << 43) - (std::int64_t{1} << 19));  // (128 - 2^-17) * 2^36
  CHECK(to_fixed_point(-largest) == -fixed);
  const std::int64_t most = kMaxTotalWeight - 1;
  CHECK(fixed <= std::numeric_limits<std::int64_t>::max() / most);
  CHECK(mean_of_fixed_point(fixed * most, kMaxTotalWeight - 1) == static_cast<double>(largest));
  CHECK(to_fixed_point(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("fixed point: sums do not depend on the order of arrival", "[common][arithmetic][fixed_point]") {
  std::mt19937 random(GENERATE(range(0U, 20U)));
  std::uniform_real_distribution<float> exponent(-40.0F, 6.9F);
  std::vector<float> changes(500);
  for (float& change : changes) change = std::exp2(exponent(random)) * (random() % 2 == 0 ? 1.0F : -1.0F);
  const auto sum = [&changes] {
    std::int64_t total = 0;
    for (const float change : changes) total += to_fixed_point(change) * 3;
    return total;
  };
  const std::int64_t reference = sum();
  std::int64_t absolute_error_bound = 0;
  long double exact = 0;
  for (const float change : changes) {
    exact += 3 * static_cast<long double>(change) * 0x1p36L;
    absolute_error_bound += 3;  // half a unit each, times the weight, and a margin
  }
  for (int i = 0; i < 20; ++i) {
    std::shuffle(changes.begin(), changes.end(), random);
    REQUIRE(sum() == reference);
  }
  CHECK(std::fabs(static_cast<long double>(reference) - exact) <= static_cast<long double>(absolute_error_bound));
}

TEST_CASE("fixed point: the outer step rounds product, sum and result once each", "[common][arithmetic][fixed_point]") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> values(-3.0, 3.0);
  for (int i = 0; i < 10000; ++i) {
    const auto parameter = static_cast<float>(values(random));
    const double rate = values(random);
    const double mean = values(random);
    const volatile double product = rate * mean;
    const volatile double sum = static_cast<double>(parameter) + product;
    REQUIRE(outer_step(parameter, rate, mean) == static_cast<float>(sum));
  }
}

TEST_CASE("fixed point: the outer step never gives a negative zero", "[common][arithmetic][fixed_point]") {
  CHECK_FALSE(std::signbit(outer_step(-0.0F, 0.0, 0.0)));
  CHECK_FALSE(std::signbit(outer_step(-0.0F, 1.0, -0.0)));
  CHECK_FALSE(std::signbit(outer_step(0.0F, 1.0, -1e-60)));  // underflows on the way to float
  CHECK_FALSE(std::signbit(outer_step(-1e-45F, -1.0, -static_cast<double>(1e-45F))));
  CHECK(outer_step(1.0F, 0.5, -2.0) == 0.0F);
  CHECK(outer_step(-1.0F, 0.0, 5.0) == -1.0F);
}

TEST_CASE("fixed point: losses are clamped to 0 .. 2^20 and round half to even", "[common][arithmetic][fixed_point]") {
  const auto [loss, fixed] = GENERATE(table<float, std::int64_t>({{0.0F, 0},
                                                                  {-0.0F, 0},
                                                                  {-1.0F, 0},
                                                                  {-kInfinity, 0},
                                                                  {1.0F, 1 << 20},
                                                                  {0x1p-21F, 0},
                                                                  {3 * 0x1p-21F, 2},
                                                                  {5 * 0x1p-21F, 2},
                                                                  {1048576.0F, kMost},
                                                                  {1048577.0F, kMost},
                                                                  {kInfinity, kMost},
                                                                  {kNan, kMost}}));
  CHECK(loss_to_fixed_point(loss) == fixed);
}

TEST_CASE("fixed point: losses are what double arithmetic makes of them", "[common][arithmetic][fixed_point]") {
  constexpr std::uint32_t kLargestBits = 0x49800000;  // 2^20
  std::uint32_t wrong = 0;
  for (std::uint32_t bits = 0; bits <= kLargestBits; bits += 1009) {
    const float loss = RealTraits<float>::from_bits(bits);
    if (loss_to_fixed_point(loss) != std::llrint(static_cast<double>(loss) * 1048576.0)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("fixed point: a mean loss of nothing is 0", "[common][arithmetic][fixed_point]") {
  CHECK(loss_from_fixed_point(0, 0) == 0.0);
  CHECK(loss_from_fixed_point(3 * (1 << 20), 2) == 1.5);
  CHECK(loss_from_fixed_point(1, 4) == 0x1p-22);
}
