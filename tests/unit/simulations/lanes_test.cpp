/// @file
/// The functions of every instruction set against their definition, lane by lane, at the edges of what floats hold.

#include "skink/simulations/learning/lanes.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "learning/group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"

using namespace skink;
using namespace skink::simulations;

namespace {

/// Floats of all magnitudes, and the special ones.
float any_float(std::mt19937& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float special[] = {0.0F,   -0.0F,    128.0F,    -128.0F,    std::nextafter(128.0F, 0.0F),
                           1e38F,  -3.4e38F, kInfinity, -kInfinity, std::nanf(""),
                           1e-45F, 0x1p-37F};
  if (random() % 3 == 0) return special[random() % std::size(special)];
  const float sign = random() % 2 == 0 ? 1.0F : -1.0F;
  return sign *
         std::ldexp(1.0F + static_cast<float>(random() % 8388608) / 8388608.0F, static_cast<int>(random() % 60) - 45);
}

}  // namespace

TEST_CASE("lanes: this machine has some, the scalar one last", "[simulation][lanes]") {
  const auto all = available_lanes();
  REQUIRE_FALSE(all.empty());
  CHECK(std::string(all.back()->name) == "scalar");
  for (const LaneFunctions* functions : all) {
    CHECK(find_lanes(functions->name) == functions);
    CHECK(functions->lanes <= kMaxLanes);
  }
  CHECK(find_lanes("mmx") == nullptr);
}

TEST_CASE("lanes: changes are what their definition says, and each lane keeps to itself", "[simulation][lanes]") {
  std::mt19937 random(GENERATE(range(0U, 20U)));
  constexpr std::size_t kCount = 5;
  for (const LaneFunctions* functions : available_lanes()) {
    CAPTURE(functions->name);
    const std::uint32_t lanes = functions->lanes;
    LaneBuffer parameters;
    parameters.resize(kCount * lanes);
    std::vector<float> before(kCount * lanes);
    std::vector<float> phi(kCount);
    for (float& value : phi) value = static_cast<float>(random() % 100) - 50.0F;
    for (std::size_t i = 0; i < before.size(); ++i) {
      before[i] = random() % 4 == 0 ? any_float(random) : phi[i / lanes] + static_cast<float>(random() % 300) - 150.0F;
      parameters.data()[i] = before[i];
    }
    LaneChanges changes;
    changes.count = kCount;
    changes.parameters = parameters.data();
    changes.phi = phi.data();
    functions->changes(changes);
    for (std::uint32_t k = 0; k < lanes; ++k) {
      bool infinite = false;
      bool overflown = false;
      bool too_large = false;
      for (std::size_t e = 0; e < kCount; ++e) {
        const float value = before[e * lanes + k];
        const float change = value - phi[e];
        infinite = infinite || !std::isfinite(value);
        overflown = overflown || !std::isfinite(change);
        too_large = too_large || !(std::fabs(change) < 128.0F);
        if (std::isfinite(change)) CHECK(parameters.data()[e * lanes + k] == change);
      }
      CHECK((changes.infinite >> k & 1U) == (infinite ? 1U : 0U));
      CHECK((changes.overflown >> k & 1U) == (!infinite && overflown ? 1U : 0U));
      CHECK((changes.too_large >> k & 1U) == (!infinite && !overflown && too_large ? 1U : 0U));
    }
  }
}

TEST_CASE("lanes: sums are those of the fixed point, and a lane that is left out may hold anything",
          "[simulation][lanes]") {
  std::mt19937 random(GENERATE(range(0U, 20U)));
  constexpr std::size_t kCount = 7;
  for (const LaneFunctions* functions : available_lanes()) {
    CAPTURE(functions->name);
    const std::uint32_t lanes = functions->lanes;
    const std::uint32_t taken = static_cast<std::uint32_t>(random()) & ((1U << lanes) - 1U);
    LaneBuffer changes;
    changes.resize(kCount * lanes);
    std::vector<std::int64_t> sums(kCount, 17);
    std::vector<std::int64_t> expected = sums;
    for (std::size_t i = 0; i < kCount * lanes; ++i) {
      float value = any_float(random);
      const bool counts = (taken >> (i % lanes) & 1U) != 0;
      if (counts && !arithmetic::is_aggregatable(value)) value = 0.25F;
      changes.data()[i] = value;
      if (counts) expected[i / lanes] += 3 * arithmetic::to_fixed_point(value);
    }
    functions->sum({kCount, changes.data(), taken, 3, sums.data()});
    CHECK(sums == expected);
  }
}
