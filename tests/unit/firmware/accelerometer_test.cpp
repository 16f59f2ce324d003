/// @file
/// Readings from an interrupt to windows to samples.

#include "skink/firmware/samples/accelerometer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

using namespace skink;
using namespace skink::firmware;
using edge::SampleSet;

namespace {

Reading reading(int number, std::uint8_t label = kNoLabel, bool after_gap = false) {
  Reading r;
  for (int axis = 0; axis < 3; ++axis) r.axes[axis] = static_cast<std::int16_t>(3 * number + axis);
  r.label = label;
  r.after_gap = after_gap;
  return r;
}

bool push(ReadingRing& ring, int number) {
  const Reading r = reading(number);
  return ring.push(r.axes[0], r.axes[1], r.axes[2], static_cast<std::uint8_t>(number % 3));
}

/// A window whose readings count up from `first`.
Window window(int first, std::uint8_t label) {
  WindowCutter cutter;
  for (int i = 0; i < static_cast<int>(kWindowReadings) - 1; ++i) REQUIRE_FALSE(cutter.add(reading(first + i, label)));
  REQUIRE(cutter.add(reading(first + static_cast<int>(kWindowReadings) - 1, label)));
  return cutter.window();
}

int first_of(const Window& w) { return w.readings[0][0] / 3; }

struct Served {
  explicit Served(LabelledWindows& windows) : source(windows.source(0.5F)) {}
  Status begin() { return source.begin(source.context, {}, counts); }
  /// Number of the first reading of a sample.
  int first(SampleSet set, std::uint32_t index) {
    float stored[kWindowInputs];
    REQUIRE(source.input(source.context, set, index, Span<float>(stored)) == Status::kOk);
    for (std::uint32_t i = 1; i < kWindowInputs; ++i) REQUIRE(stored[i] == stored[0] + 0.5F * static_cast<float>(i));
    return static_cast<int>(stored[0] * 2 / 3);
  }
  float label(SampleSet set, std::uint32_t index) { return source.target(source.context, set, index, 0); }
  edge::SampleSource source;
  edge::SampleCounts counts;
};

}  // namespace

TEST_CASE("reading ring: what goes in comes out, in order, over many turns", "[firmware][accelerometer]") {
  ReadingRing ring;
  Reading out;
  CHECK_FALSE(ring.pop(out));
  int next = 0;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(push(ring, i));
    if (i % 3 != 2) continue;
    for (; next <= i - 1; ++next) {
      REQUIRE(ring.pop(out));
      REQUIRE((out.axes[0] == 3 * next && out.axes[1] == 3 * next + 1 && out.axes[2] == 3 * next + 2));
      REQUIRE((out.label == next % 3 && !out.after_gap));
    }
  }
  CHECK(ring.lost() == 0);
}

TEST_CASE("reading ring: a full one loses the newest readings and marks the gap", "[firmware][accelerometer]") {
  ReadingRing ring;
  const auto capacity = static_cast<int>(ReadingRing::kCapacity);
  for (int i = 0; i < capacity; ++i) REQUIRE(push(ring, i));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(push(ring, capacity + i));
  CHECK(ring.lost() == 5);
  Reading out;
  REQUIRE(ring.pop(out));
  CHECK((out.axes[0] == 0 && !out.after_gap));
  REQUIRE(push(ring, 500));
  for (int i = 1; i < capacity; ++i) {
    REQUIRE(ring.pop(out));
    REQUIRE((out.axes[0] == 3 * i && !out.after_gap));
  }
  REQUIRE(ring.pop(out));
  CHECK((out.axes[0] == 1500 && out.after_gap));
  REQUIRE(push(ring, 501));
  REQUIRE(ring.pop(out));
  CHECK_FALSE(out.after_gap);
  ring.note_gap();
  REQUIRE(push(ring, 502));
  REQUIRE(ring.pop(out));
  CHECK(out.after_gap);
}

TEST_CASE("reading ring: a producer and a consumer at the same time lose nothing unnoticed",
          "[firmware][accelerometer]") {
  constexpr int kReadings = 30000;  // below 2^15: the number is its own content
  const auto ring = std::make_unique<ReadingRing>();
  std::thread producer([&ring] {
    for (int i = 0; i < kReadings; ++i) {
      const auto value = static_cast<std::int16_t>(i);
      (void)ring->push(value, static_cast<std::int16_t>(-value), static_cast<std::int16_t>(value / 2), 1);
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  int taken = 0;
  int last = -1;
  bool torn = false;
  bool unmarked = false;
  const auto drain = [&] {
    Reading out;
    while (ring->pop(out)) {
      torn = torn || out.axes[1] != -out.axes[0] || out.axes[2] != out.axes[0] / 2 || out.label != 1;
      unmarked = unmarked || (out.axes[0] != last + 1) != out.after_gap;
      last = out.axes[0];
      ++taken;
    }
  };
  while (taken + static_cast<int>(ring->lost()) < kReadings) drain();
  producer.join();
  drain();
  CHECK_FALSE(torn);
  CHECK_FALSE(unmarked);
  CHECK(taken + static_cast<int>(ring->lost()) == kReadings);
}

TEST_CASE("windows: one every stride, oldest reading first", "[firmware][accelerometer]") {
  WindowCutter cutter;
  int cut = 0;
  for (int i = 0; i < 500; ++i) {
    if (!cutter.add(reading(i, 1))) continue;
    const int first = cut * static_cast<int>(kWindowStride);
    REQUIRE(i == first + static_cast<int>(kWindowReadings) - 1);
    for (int k = 0; k < static_cast<int>(kWindowReadings); ++k) {
      for (int axis = 0; axis < 3; ++axis) REQUIRE(cutter.window().readings[k][axis] == 3 * (first + k) + axis);
    }
    REQUIRE(cutter.window().label == 1);
    ++cut;
  }
  CHECK(cut == 30);
}

TEST_CASE("windows: none goes across a gap, none has a label of which a reading differs", "[firmware][accelerometer]") {
  WindowCutter cutter;
  for (int i = 0; i < 31; ++i) REQUIRE_FALSE(cutter.add(reading(i, 0)));
  for (int i = 100; i < 131; ++i) REQUIRE_FALSE(cutter.add(reading(i, 0, i == 100)));
  REQUIRE(cutter.add(reading(131, 0)));
  CHECK((first_of(cutter.window()) == 100 && cutter.window().label == 0));
  for (int i = 132; i < 147; ++i) REQUIRE_FALSE(cutter.add(reading(i, 0)));
  REQUIRE(cutter.add(reading(147, 2)));
  CHECK(cutter.window().label == kNoLabel);
  for (int i = 148; i < 179; ++i) (void)cutter.add(reading(i, 2));
  REQUIRE(cutter.add(reading(179, 2)));
  CHECK(cutter.window().label == 2);
}

TEST_CASE("windows: inputs are counts times the unit", "[firmware][accelerometer]") {
  const Window w = window(-20, kNoLabel);
  std::vector<float> stored(kWindowInputs + 1, 9.0F);
  REQUIRE(inputs_of(w, 0.25F, {stored.data(), kWindowInputs}) == Status::kOk);
  CHECK((stored[0] == -15.0F && stored[1] == -14.75F && stored[3] == -14.25F && stored[kWindowInputs] == 9.0F));
  CHECK(inputs_of(w, 1, {stored.data(), stored.size()}) == Status::kShapeMismatch);
  CHECK(stored[0] == -15.0F);
}

TEST_CASE("labelled windows: no task before every label has enough", "[firmware][accelerometer]") {
  LabelledWindows windows;
  Served served(windows);
  CHECK_FALSE(windows.add(window(0, kNoLabel)));
  CHECK_FALSE(windows.add(window(0, kLabels)));
  for (int number = 0; number < 10; ++number) {
    for (std::uint8_t label = 0; label < kLabels; ++label) {
      CHECK_FALSE(windows.is_complete());
      CHECK(served.begin() == Status::kUnavailable);
      REQUIRE(windows.add(window(1000 * label + number, label)));
    }
  }
  CHECK(windows.is_complete());
  REQUIRE(served.begin() == Status::kOk);
  CHECK((served.counts.support == 24 && served.counts.query == 6));
}

TEST_CASE("labelled windows: every fifth is kept for queries, the newest replace the oldest",
          "[firmware][accelerometer]") {
  LabelledWindows windows;
  const int added = GENERATE(10, 11, 15, 40, 63);
  for (std::uint8_t label = 0; label < kLabels; ++label) {
    for (int number = 0; number < added; ++number) REQUIRE(windows.add(window(1000 * label + number, label)));
  }
  std::vector<int> support;
  std::vector<int> query;
  for (int number = added - 1; number >= 0; --number) {
    std::vector<int>& set = number % 5 == 4 ? query : support;
    if (set.size() < (number % 5 == 4 ? kQueryPerLabel : kSupportPerLabel)) set.push_back(number);
  }
  Served served(windows);
  REQUIRE(served.begin() == Status::kOk);
  const auto check = [&](SampleSet set, std::uint32_t count, std::vector<int> expected) {
    std::sort(expected.begin(), expected.end());
    for (std::uint32_t label = 0; label < kLabels; ++label) {
      std::vector<int> found;
      for (std::uint32_t i = 0; i < count; ++i) {
        if (served.label(set, i) == static_cast<float>(label)) {
          found.push_back(served.first(set, i) - 1000 * static_cast<int>(label));
        }
      }
      std::sort(found.begin(), found.end());
      CHECK(found == expected);
    }
  };
  check(SampleSet::kSupport, served.counts.support, support);
  check(SampleSet::kQuery, served.counts.query, query);
}
