/// @file
/// Samples that were shown with a button, and where they begin.

#include "skink/firmware/samples/labelled_vectors.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace skink;
using namespace skink::firmware;
using edge::SampleSet;

namespace {

struct Rig {
  explicit Rig(LabelledVectorsSpec spec) : memory(LabelledVectors::memory_count(spec)) {
    REQUIRE(vectors.begin(spec, {memory.data(), memory.size()}) == Status::kOk);
  }
  Status add(unsigned label, float first) {
    const float vector[] = {first, -first};
    return vectors.add(static_cast<std::uint8_t>(label), Span<const float>(vector));
  }
  std::vector<float> memory;
  LabelledVectors vectors;
};

float first_of(const edge::SampleSource& source, SampleSet set, std::uint32_t index) {
  float stored[2];
  REQUIRE(source.input(source.context, set, index, Span<float>(stored)) == Status::kOk);
  CHECK(stored[1] == -stored[0]);
  return stored[0];
}

}  // namespace

TEST_CASE("labelled vectors: five of each, of which one is held back", "[firmware][samples]") {
  Rig rig({3, 4, 1, 2});
  const edge::SampleSource source = rig.vectors.source();
  REQUIRE(source.is_complete());
  edge::SampleCounts counts;
  for (unsigned label = 0; label < 3; ++label) {
    for (unsigned i = 0; i < 5; ++i) {
      CHECK_FALSE(rig.vectors.is_complete());
      CHECK(source.begin(source.context, {}, counts) == Status::kUnavailable);
      CHECK(rig.vectors.count(static_cast<std::uint8_t>(label)) == i);
      REQUIRE(rig.add(label, static_cast<float>(10 * label + i)) == Status::kOk);
    }
  }
  REQUIRE(rig.vectors.is_complete());
  REQUIRE(source.begin(source.context, {}, counts) == Status::kOk);
  CHECK(counts.support == 12);
  CHECK(counts.query == 3);
  for (std::uint32_t i = 0; i < 12; ++i) {
    const std::uint32_t time = i / 3;
    CHECK(first_of(source, SampleSet::kSupport, i) == static_cast<float>(10 * (i % 3) + time));
    CHECK(source.target(source.context, SampleSet::kSupport, i, 0) == static_cast<float>(i % 3));
  }
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(first_of(source, SampleSet::kQuery, i) == static_cast<float>(10 * i + 4));
  float wide[3];
  CHECK(source.input(source.context, SampleSet::kSupport, 0, Span<float>(wide)) == Status::kShapeMismatch);
}

TEST_CASE("labelled vectors: the newest replace the oldest, however many there were", "[firmware][samples]") {
  Rig rig({2, 2, 1, 2});
  for (unsigned i = 0; i < 23; ++i) {
    REQUIRE(rig.add(0, static_cast<float>(i)) == Status::kOk);
    REQUIRE(rig.add(1, static_cast<float>(i)) == Status::kOk);
    CHECK(rig.vectors.count(0) == (i < 2 ? i + 1 : 3));
  }
  const edge::SampleSource source = rig.vectors.source();
  CHECK(first_of(source, SampleSet::kSupport, 0) == 21);
  CHECK(first_of(source, SampleSet::kSupport, 2) == 22);
  CHECK(first_of(source, SampleSet::kQuery, 0) == 20);
}

TEST_CASE("labelled vectors: what is no sample is refused", "[firmware][samples]") {
  Rig rig({2, 2, 0, 2});
  CHECK(rig.add(2, 1) == Status::kInvalidArgument);
  CHECK(rig.add(255, 1) == Status::kInvalidArgument);
  CHECK(rig.add(0, std::numeric_limits<float>::quiet_NaN()) == Status::kNotFinite);
  CHECK(rig.add(0, std::numeric_limits<float>::infinity()) == Status::kNotFinite);
  const float one = 1;
  CHECK(rig.vectors.add(0, Span<const float>(&one, 1)) == Status::kShapeMismatch);
  CHECK(rig.vectors.count(0) == 0);
  CHECK(rig.vectors.count(7) == 0);
  LabelledVectors none;
  CHECK_FALSE(none.is_complete());
  std::vector<float> memory(100);
  const Span<float> all(memory.data(), 100);
  for (const LabelledVectorsSpec wrong : {LabelledVectorsSpec{1, 2, 1, 2},
                                          {17, 1, 1, 1},
                                          {2, 0, 1, 2},
                                          {2, 256, 1, 2},
                                          {2, 1, 256, 2},
                                          {2, 1, 1, 0},
                                          {2, 1, 1, 65536}}) {
    CHECK(none.begin(wrong, all) == Status::kInvalidArgument);
  }
  CHECK(none.begin({2, 5, 5, 6}, all) == Status::kBufferTooSmall);
}

TEST_CASE("onset gate: an event of its length, then a pause", "[firmware][samples]") {
  using Window = OnsetGate::Window;
  OnsetGate gate(1, 3, 2);
  const std::vector<std::pair<float, Window>> steps{{0, Window::kQuiet},  {1, Window::kQuiet},  {2, Window::kBegins},
                                                    {0, Window::kGoesOn}, {2, Window::kGoesOn}, {2, Window::kQuiet},
                                                    {0, Window::kQuiet},  {2, Window::kQuiet},  {0, Window::kQuiet},
                                                    {0, Window::kQuiet},  {2, Window::kBegins}, {2, Window::kGoesOn}};
  for (const auto& [level, window] : steps) CHECK(gate.add(level) == window);
  gate.reset();
  CHECK(gate.add(std::numeric_limits<float>::quiet_NaN()) == Window::kQuiet);
  CHECK(gate.add(5) == Window::kBegins);
  OnsetGate single(1, 1, 0);
  CHECK(single.add(2) == Window::kBegins);
  CHECK(single.add(2) == Window::kBegins);
}
