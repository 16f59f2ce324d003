/// @file
/// Windows, statistics, samples and running standardisation: what they give, and what they refuse. The same bits as the
/// specification's: tests/golden/features_test.py.

#include "skink/common/features/extractor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "skink/common/features/standardiser.hpp"

using namespace skink;
using namespace skink::features;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Span<float> span(std::vector<float>& x) { return {x.data(), x.size()}; }

FrameSpec frames_of(std::uint32_t axes, std::uint32_t length, std::uint32_t hop) {
  FrameSpec spec;
  spec.axes = axes;
  spec.length = length;
  spec.hop = hop;
  std::fill_n(spec.scale, kMaxAxes, 1.0F);
  return spec;
}

struct Rig {
  explicit Rig(const FrameSpec& spec) : memory(Framer::memory_count(spec)) {
    REQUIRE(framer.begin(spec, span(memory)) == Status::kOk);
  }
  /// Is it taken and does it complete a window?
  bool add(float first) {
    std::vector<float> reading(framer.spec().axes);
    for (std::size_t a = 0; a < reading.size(); ++a) reading[a] = first + static_cast<float>(a) * 1000;
    bool is_complete = true;
    REQUIRE(framer.add(Span<const float>(reading.data(), reading.size()), is_complete) == Status::kOk);
    return is_complete;
  }
  std::vector<float> memory;
  Framer framer;
};

}  // namespace

TEST_CASE("framer: windows of every number of axes overlap as the hop says", "[common][features]") {
  const auto axes = GENERATE(1U, 2U, 3U, 6U, 9U);
  const auto hop = GENERATE(1U, 3U, 8U);
  Rig rig(frames_of(axes, 8, hop));
  for (std::uint32_t i = 0; i < 40; ++i) {
    const bool is_complete = rig.add(static_cast<float>(i));
    REQUIRE(is_complete == (i >= 7 && (i - 7) % hop == 0));
    if (!is_complete) continue;
    CHECK(rig.framer.is_first() == (i == 7));
    for (std::uint32_t a = 0; a < axes; ++a) {
      for (std::uint32_t n = 0; n < 8; ++n) {
        REQUIRE(rig.framer.axis(a)[n] == static_cast<float>(i - 7 + n) + static_cast<float>(a) * 1000);
      }
    }
  }
}

TEST_CASE("framer: no window goes across a gap or a reading that is none", "[common][features]") {
  for (const float bad : {kNan, kInfinity, -kInfinity, kReadingLimit, -kReadingLimit}) {
    Rig rig(frames_of(1, 4, 2));
    for (int i = 0; i < 3; ++i) CHECK_FALSE(rig.add(0));
    bool is_complete = true;
    CHECK(rig.framer.add(Span<const float>(&bad, 1), is_complete) == Status::kNotFinite);
    CHECK_FALSE(is_complete);
    CHECK(rig.framer.refused() == 1);
    CHECK(rig.framer.gaps() == 1);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(rig.add(1));
    CHECK(rig.add(1));
    CHECK(rig.framer.is_first());
    rig.framer.note_gap();
    CHECK(rig.framer.gaps() == 2);
    CHECK(rig.framer.refused() == 1);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(rig.add(2));
    CHECK(rig.add(2));
    CHECK_FALSE(rig.add(3));
    CHECK(rig.add(3));
    CHECK_FALSE(rig.framer.is_first());
  }
}

TEST_CASE("framer: integers are scaled, and what is wrong is refused at its begin", "[common][features]") {
  FrameSpec spec = frames_of(2, 2, 2);
  spec.scale[1] = 0.25F;
  spec.offset[1] = -1;
  Rig rig(spec);
  bool is_complete = false;
  const std::int16_t reading[] = {-32768, 8};
  REQUIRE(rig.framer.add(Span<const std::int16_t>(reading), is_complete) == Status::kOk);
  CHECK(rig.framer.axis(0)[0] == -32768.0F);
  CHECK(rig.framer.axis(1)[0] == 1.0F);
  CHECK(rig.framer.add(Span<const std::int16_t>(reading, 1), is_complete) == Status::kShapeMismatch);
  CHECK(Framer().add(Span<const std::int16_t>(reading), is_complete) == Status::kShapeMismatch);

  std::vector<float> memory(20);
  Framer framer;
  const auto refuses = [&](FrameSpec wrong) { return framer.begin(wrong, span(memory)) == Status::kInvalidArgument; };
  CHECK(refuses(frames_of(0, 4, 2)));
  CHECK(refuses(frames_of(10, 2, 2)));
  CHECK(refuses(frames_of(1, 1, 1)));
  CHECK(refuses(frames_of(1, 1025, 1)));
  CHECK(refuses(frames_of(1, 4, 0)));
  CHECK(refuses(frames_of(1, 4, 5)));
  FrameSpec scales = frames_of(2, 4, 2);
  scales.scale[1] = GENERATE(0.0F, kNan, kInfinity);
  CHECK(refuses(scales));
  scales = frames_of(2, 4, 2);
  scales.offset[0] = kNan;
  CHECK(refuses(scales));
  CHECK(framer.begin(frames_of(3, 7, 2), span(memory)) == Status::kBufferTooSmall);
}

TEST_CASE("statistics: of a window that can be computed by hand", "[common][features]") {
  const float x[] = {1, -3, 5, 1};
  std::vector<float> out(7);
  REQUIRE(statistics(Span<const float>(x), kAllStatistics, span(out)) == Status::kOk);
  CHECK(out == std::vector<float>{1, std::sqrt(8.0F), 9, 3, -3, 5, 16.0F / 3});
  std::vector<float> two(2);
  REQUIRE(statistics(Span<const float>(x), kGreatest | kMean, span(two)) == Status::kOk);
  CHECK(two == std::vector<float>{1, 5});
  CHECK(statistics(Span<const float>(x), 0, {}) == Status::kInvalidArgument);
  CHECK(statistics(Span<const float>(x), 0x80, span(two)) == Status::kInvalidArgument);
  CHECK(statistics(Span<const float>(x), kMean, span(two)) == Status::kShapeMismatch);
  CHECK(statistics(Span<const float>(x, 1), kMean, {two.data(), 1}) == Status::kShapeMismatch);
}

TEST_CASE("extractor: axis by axis, and only what fits together", "[common][features]") {
  const FrameSpec frames = frames_of(3, 50, 25);
  FeatureSpec features;
  features.statistics = kMean | kRms;
  features.mel = {4, 64, 25, 0, 12.5F};
  CHECK(Extractor::feature_count(frames, features) == 18);
  CHECK(Extractor::memory_count(frames, features) == 64 + 26 + 11);
  std::vector<float> memory(Extractor::memory_count(frames, features));
  Extractor extractor;
  Rig rig(frames);
  std::vector<float> out(18, 7.0F);
  CHECK(extractor.compute(rig.framer, span(out)) == Status::kShapeMismatch);
  CHECK(extractor.begin(frames, features, {memory.data(), memory.size() - 1}) == Status::kBufferTooSmall);
  REQUIRE(extractor.begin(frames, features, span(memory)) == Status::kOk);
  for (int i = 0; i < 50; ++i) (void)rig.add(static_cast<float>(i % 2));
  CHECK(extractor.compute(rig.framer, {out.data(), 17}) == Status::kShapeMismatch);
  Rig other(frames_of(2, 50, 25));
  CHECK(extractor.compute(other.framer, span(out)) == Status::kShapeMismatch);
  CHECK(out[0] == 7.0F);
  REQUIRE(extractor.compute(rig.framer, span(out)) == Status::kOk);
  CHECK(out[0] == 0.5F);
  CHECK(out[6] == 1000.5F);
  CHECK(out[12] == 2000.5F);
  // The mean counts for nothing in the bands: the axes have one spectrum, but for the rounding of their means.
  for (std::size_t b = 0; b < 4; ++b) CHECK(out[2 + b] == Approx(out[8 + b]).margin(1e-3));

  const auto refuses = [&](const FrameSpec& f, const FeatureSpec& s) {
    std::vector<float> enough(4000);
    return extractor.begin(f, s, span(enough)) == Status::kInvalidArgument;
  };
  CHECK(refuses(frames, FeatureSpec()));
  CHECK(refuses(frames_of(3, 65, 25), features));
  CHECK(refuses(frames_of(0, 50, 25), features));
  features.statistics = 0x80;
  CHECK(refuses(frames, features));
  features.statistics = 0;
  features.taper = static_cast<Taper>(2);
  CHECK(refuses(frames, features));
  features.taper = Taper::kHann;
  features.mel.bands = 64;
  CHECK(refuses(frames, features));
  CHECK(extractor.compute(rig.framer, span(out)) == Status::kShapeMismatch);  // nothing was begun
}

TEST_CASE("stack: samples of windows that follow each other", "[common][features]") {
  std::vector<float> memory(6);
  FrameStack stack;
  CHECK(stack.next(true).empty());
  CHECK_FALSE(stack.push());
  CHECK(stack.begin(0, 1, 2, span(memory)) == Status::kInvalidArgument);
  CHECK(stack.begin(65, 1, 2, span(memory)) == Status::kInvalidArgument);
  CHECK(stack.begin(3, 0, 2, span(memory)) == Status::kInvalidArgument);
  CHECK(stack.begin(3, 4, 2, span(memory)) == Status::kInvalidArgument);
  CHECK(stack.begin(3, 2, 0, span(memory)) == Status::kInvalidArgument);
  CHECK(stack.begin(4, 2, 2, span(memory)) == Status::kBufferTooSmall);
  REQUIRE(stack.begin(3, 2, 2, span(memory)) == Status::kOk);
  std::vector<std::vector<float>> samples;
  for (int i = 0; i < 12; ++i) {
    const Span<float> place = stack.next(i == 6);
    REQUIRE(place.size() == 2);
    place[0] = static_cast<float>(i);
    place[1] = static_cast<float>(-i);
    if (stack.push()) samples.emplace_back(stack.sample().begin(), stack.sample().end());
  }
  const std::vector<std::vector<float>> expected{
      {0, 0, 1, -1, 2, -2}, {2, -2, 3, -3, 4, -4}, {6, -6, 7, -7, 8, -8}, {8, -8, 9, -9, 10, -10}};
  CHECK(samples == expected);
}

TEST_CASE("standardiser: mean and deviation of two passes in double", "[common][features]") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(20, 3);
  std::vector<float> memory(Standardiser::memory_count(1));
  Standardiser standardiser;
  REQUIRE(standardiser.begin(1, span(memory)) == Status::kOk);
  std::vector<double> all;
  for (int i = 0; i < 20000; ++i) {
    const float x = normal(random);
    all.push_back(x);
    REQUIRE(standardiser.add(Span<const float>(&x, 1)) == Status::kOk);
  }
  double mean = 0;
  for (const double x : all) mean += x / 20000;
  double variance = 0;
  for (const double x : all) variance += (x - mean) * (x - mean) / 20000;
  CHECK(double{memory[0]} == Approx(mean).epsilon(1e-5));
  CHECK(double{memory[1]} / 20000 == Approx(variance).epsilon(1e-4));
  float x = 26;
  REQUIRE(standardiser.standardise(Span<float>(&x, 1)) == Status::kOk);
  CHECK(double{x} == Approx((26 - mean) / std::sqrt(variance)).epsilon(1e-4));
}

TEST_CASE("standardiser: hostile vectors change nothing, the largest ones overflow nowhere", "[common][features]") {
  std::vector<float> memory(4);
  Standardiser standardiser;
  float pair[2] = {1, 2};
  CHECK(standardiser.add(Span<const float>(pair)) == Status::kShapeMismatch);
  CHECK(standardiser.begin(0, span(memory)) == Status::kInvalidArgument);
  CHECK(standardiser.begin(1025, span(memory)) == Status::kInvalidArgument);
  CHECK(standardiser.begin(3, span(memory)) == Status::kBufferTooSmall);
  REQUIRE(standardiser.begin(2, span(memory)) == Status::kOk);
  CHECK(standardiser.standardise(Span<float>(pair)) == Status::kUnavailable);
  REQUIRE(standardiser.add(Span<const float>(pair)) == Status::kOk);
  const std::vector<float> before = memory;
  for (const float bad : {kNan, kInfinity, -kInfinity, 2 * kFeatureLimit}) {
    float vector[2] = {0, bad};
    CHECK(standardiser.add(Span<const float>(vector)) == Status::kNotFinite);
    CHECK(standardiser.standardise(Span<float>(vector)) == Status::kNotFinite);
    CHECK(vector[0] == 0.0F);
  }
  CHECK(standardiser.add(Span<const float>(pair, 1)) == Status::kShapeMismatch);
  CHECK(memory == before);
  CHECK(standardiser.count() == 1);
  for (int i = 0; i < 1000; ++i) {
    float vector[2] = {i % 2 == 0 ? kFeatureLimit : -kFeatureLimit, 0};
    REQUIRE(standardiser.add(Span<const float>(vector)) == Status::kOk);
    REQUIRE(standardiser.standardise(Span<float>(vector)) == Status::kOk);
    REQUIRE(std::isfinite(vector[0]));
  }
}

TEST_CASE("standardiser: goes on from a state that was kept, and stops counting", "[common][features]") {
  std::vector<float> whole(2);
  std::vector<float> part(2);
  Standardiser one;
  Standardiser two;
  REQUIRE(one.begin(1, span(whole)) == Status::kOk);
  REQUIRE(two.begin(1, span(part)) == Status::kOk);
  std::vector<float> kept;
  for (int i = 0; i < 20; ++i) {
    const auto x = static_cast<float>(i * i % 7);
    REQUIRE(one.add(Span<const float>(&x, 1)) == Status::kOk);
    if (i == 10) {
      kept = part;
      two = Standardiser();
      REQUIRE(two.restore(1, span(kept), 10) == Status::kOk);
    }
    REQUIRE(two.add(Span<const float>(&x, 1)) == Status::kOk);
  }
  CHECK(kept == whole);
  CHECK(two.restore(1, span(kept), kMostVectors + 1) == Status::kInvalidArgument);
  CHECK(two.restore(0, span(kept), 1) == Status::kInvalidArgument);
  CHECK(two.restore(2, span(kept), 1) == Status::kBufferTooSmall);
  std::vector<float> wrong{0, -1};
  CHECK(two.restore(1, span(wrong), 1) == Status::kNotFinite);
  wrong = {kNan, 1};
  CHECK(two.restore(1, span(wrong), 1) == Status::kNotFinite);
  CHECK(two.count() == 20);
  REQUIRE(two.restore(1, span(kept), kMostVectors) == Status::kOk);
  const std::vector<float> full = kept;
  const float x = 1000;
  CHECK(two.add(Span<const float>(&x, 1)) == Status::kOk);
  CHECK(kept == full);
}
