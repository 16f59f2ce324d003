/// @file
/// The device's own samples in flash: what is kept, what is held back, and what a power failure at any moment leaves.

#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "fakes/fake_flash.hpp"
#include "skink/firmware/sample_flash.hpp"

using namespace skink;
using namespace skink::test;
using firmware::SampleFlash;
using firmware::SampleNumber;
using firmware::SampleShape;
using firmware::StoredSample;

namespace {

constexpr std::uint32_t kInputs = 10;

/// Sample number n, below 30,000: its inputs say which one it is.
std::vector<float> inputs_of(std::uint32_t n) {
  std::vector<float> inputs(kInputs);
  for (std::uint32_t i = 0; i < kInputs; ++i) inputs[i] = static_cast<float>(static_cast<int>(n + 7 * i) - 200);
  return inputs;
}

struct Store {
  SampleFlash samples;
  std::vector<StoredSample> memory = std::vector<StoredSample>(256);

  Status open(FakeFlash& flash, const SampleShape& shape) {
    return samples.open(flash.flash, 2, 8, shape, {memory.data(), memory.size()});
  }
  Status add(std::uint32_t n, std::uint32_t label) {
    const std::vector<float> inputs = inputs_of(n);
    const float target = static_cast<float>(label);
    return samples.add({inputs.data(), inputs.size()}, {&target, 1});
  }
};

SampleShape shape(std::uint32_t per_class, SampleNumber number = SampleNumber::kInt16) {
  SampleShape it;
  it.inputs = kInputs;
  it.classes = 3;
  it.per_class = per_class;
  it.number = number;
  return it;
}

using Content = std::set<std::pair<std::uint32_t, std::uint32_t>>;

/// Which samples a store gives, by number and label; checks that every one is whole.
Content content(SampleFlash& samples, edge::SampleCounts* counted = nullptr) {
  const edge::SampleSource source = samples.samples();
  edge::SampleCounts counts;
  const Status status = source.begin(source.context, {}, counts);
  CHECK(status == (counts.support == 0 ? Status::kUnavailable : Status::kOk));
  if (counted != nullptr) *counted = counts;
  Content found;
  bool is_whole = true;
  for (const edge::SampleSet set : {edge::SampleSet::kSupport, edge::SampleSet::kQuery}) {
    const std::uint32_t count = set == edge::SampleSet::kSupport ? counts.support : counts.query;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::vector<float> inputs(kInputs);
      const Status read = source.input(source.context, set, i, {inputs.data(), inputs.size()});
      const auto n = static_cast<std::uint32_t>(inputs[0] + 200.0F);
      const float label = source.target(source.context, set, i, 0);
      is_whole = is_whole && read == Status::kOk && inputs == inputs_of(n) &&
                 found.emplace(n, static_cast<std::uint32_t>(label)).second;
    }
  }
  CHECK(is_whole);
  CHECK(found.size() == samples.count());
  return found;
}

/// The newest of what was kept: of each class, or of all, so many.
Content newest(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& kept, std::uint32_t per_class,
               std::size_t of_all) {
  Content wanted;
  std::map<std::uint32_t, std::uint32_t> of_class;
  for (auto it = kept.rbegin(); it != kept.rend() && wanted.size() < of_all; ++it) {
    if (per_class == 0 || ++of_class[it->second] <= per_class) wanted.insert(*it);
  }
  return wanted;
}

}  // namespace

TEST_CASE("sample flash: samples are kept over a reset, and every fourth of a class is held back",
          "[firmware][samples]") {
  FakeFlash flash;
  const SampleNumber number = GENERATE(SampleNumber::kInt16, SampleNumber::kFloat32);
  Content wanted;
  {
    Store store;
    REQUIRE(store.open(flash, shape(0, number)) == Status::kOk);
    CHECK(store.samples.count() == 0);
    for (std::uint32_t n = 0; n < 15; ++n) {
      REQUIRE(store.add(n, n % 3) == Status::kOk);
      wanted.emplace(n, n % 3);
    }
  }
  Store store;
  REQUIRE(store.open(flash, shape(0, number)) == Status::kOk);
  edge::SampleCounts counts;
  CHECK(content(store.samples, &counts) == wanted);
  CHECK(counts.support == 12);
  CHECK(counts.query == 3);
  CHECK(store.samples.count_of(1) == 5);
  CHECK(store.samples.count_of(3) == 0);
  SECTION("another shape begins empty") {
    SampleShape other = shape(0, number);
    other.classes = 4;
    REQUIRE(store.open(flash, other) == Status::kOk);
    CHECK(store.samples.count() == 0);
    REQUIRE(store.add(1, 3) == Status::kOk);
  }
  SECTION("and can be forgotten") {
    REQUIRE(store.samples.clear() == Status::kOk);
    CHECK(store.samples.count() == 0);
    REQUIRE(store.open(flash, shape(0, number)) == Status::kOk);
    CHECK(store.samples.count() == 0);
  }
}

TEST_CASE("sample flash: the newest are kept, of all or of each class", "[firmware][samples]") {
  FakeFlash flash;
  Store store;
  SECTION("of all: a class that is seen often drives the others out") {
    REQUIRE(store.open(flash, shape(0)) == Status::kOk);
    REQUIRE(store.add(0, 2) == Status::kOk);
    for (std::uint32_t n = 1; n < 300; ++n) REQUIRE(store.add(n, n % 2) == Status::kOk);
    const auto found = content(store.samples);
    CHECK(store.samples.count_of(2) == 0);
    CHECK(found.size() >= 6 * store.samples.records_per_block());
    CHECK(found.begin()->first == 300 - found.size());
  }
  SECTION("of each class: one that was shown once stays") {
    REQUIRE(store.open(flash, shape(6)) == Status::kOk);
    for (std::uint32_t n = 0; n < 4; ++n) REQUIRE(store.add(n, 2) == Status::kOk);
    for (std::uint32_t n = 4; n < 500; ++n) REQUIRE(store.add(n, n % 2) == Status::kOk);
    Content wanted;
    for (std::uint32_t n = 0; n < 4; ++n) wanted.emplace(n, 2);
    for (std::uint32_t n = 488; n < 500; ++n) wanted.emplace(n, n % 2);
    edge::SampleCounts counts;
    CHECK(content(store.samples, &counts) == wanted);
    CHECK(counts.query >= 3);
    CHECK(counts.query <= 5);
    Store again;
    REQUIRE(again.open(flash, shape(6)) == Status::kOk);
    CHECK(content(again.samples) == wanted);
  }
}

TEST_CASE("sample flash: what cannot be kept is refused with a reason, and nothing is lost", "[firmware][samples]") {
  FakeFlash flash;
  Store store;
  CHECK(store.add(0, 0) == Status::kUnavailable);
  SampleShape wrong = shape(0);
  wrong.inputs = 0;
  CHECK(store.open(flash, wrong) == Status::kInvalidArgument);
  wrong = shape(0);
  wrong.targets = 2;
  CHECK(store.open(flash, wrong) == Status::kInvalidArgument);
  CHECK(store.open(flash, shape(200)) == Status::kBufferTooSmall);
  wrong = shape(0, SampleNumber::kFloat32);
  wrong.inputs = 500;  // three blocks of four sectors are not there
  CHECK(store.open(flash, wrong) == Status::kBufferTooSmall);
  REQUIRE(store.open(flash, shape(0)) == Status::kOk);
  REQUIRE(store.add(1, 1) == Status::kOk);
  std::vector<float> inputs = inputs_of(2);
  const float label = 1.0F;
  const float too_high = 3.0F;
  const float half = 0.5F;
  CHECK(store.samples.add({inputs.data(), kInputs - 1}, {&label, 1}) == Status::kShapeMismatch);
  CHECK(store.samples.add({inputs.data(), kInputs}, {&too_high, 1}) == Status::kInvalidArgument);
  CHECK(store.samples.add({inputs.data(), kInputs}, {&half, 1}) == Status::kInvalidArgument);
  inputs[3] = GENERATE(0.5F, 40000.0F, std::numeric_limits<float>::quiet_NaN());
  CHECK(store.samples.add({inputs.data(), kInputs}, {&label, 1}) == Status::kInvalidArgument);
  CHECK(content(store.samples).size() == 1);
}

TEST_CASE("sample flash: a regression keeps what it wants; a sample may take several sectors", "[firmware][samples]") {
  FakeFlash flash;
  SampleShape shape;
  shape.inputs = 200;
  shape.targets = 2;
  Store store;
  REQUIRE(store.open(flash, shape) == Status::kOk);
  CHECK(store.samples.records_per_block() == 1);
  for (int n = 0; n < 9; ++n) {
    const std::vector<float> inputs(200, static_cast<float>(n) + 0.25F);
    const float targets[] = {static_cast<float>(n), -0.5F};
    REQUIRE(store.samples.add({inputs.data(), inputs.size()}, targets) == Status::kOk);
  }
  const edge::SampleSource source = store.samples.samples();
  edge::SampleCounts counts;
  REQUIRE(source.begin(source.context, {}, counts) == Status::kOk);
  CHECK(counts.support + counts.query == 3);
  std::vector<float> inputs(200);
  REQUIRE(source.input(source.context, edge::SampleSet::kSupport, 0, {inputs.data(), inputs.size()}) == Status::kOk);
  const float first = source.target(source.context, edge::SampleSet::kSupport, 0, 0);
  CHECK(inputs[199] == first + 0.25F);
  CHECK(source.target(source.context, edge::SampleSet::kSupport, 0, 1) == -0.5F);
}

TEST_CASE("sample flash: whenever power goes, at most the sample that was written is lost", "[firmware][samples]") {
  const std::uint32_t per_class = GENERATE(0U, 6U, 18U);
  const std::uint32_t program_bytes = GENERATE(4U, 32U);
  FakeFlash flash(512, 16, program_bytes);
  std::mt19937 random(per_class * 100 + program_bytes);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> kept;  // the last of them may not have been acknowledged
  bool is_acknowledged = true;
  std::uint32_t n = 0;
  for (std::uint32_t cuts = 0; cuts < 1000; ++cuts) {
    flash.power_on();
    Store store;
    if (random() % 4 == 0) flash.steps_left = 1 + random() % 30;  // goes while the store is opened, too
    const Status opened = store.open(flash, shape(per_class));
    if (!flash.has_power()) continue;
    REQUIRE(opened == Status::kOk);
    flash.power_on();
    const Content found = content(store.samples);
    if (!is_acknowledged && found.count(kept.back()) == 0) kept.pop_back();
    is_acknowledged = true;
    if (per_class == 0) {
      REQUIRE(found == newest(kept, 0, found.size()));
      REQUIRE(found.size() >= std::min<std::size_t>(kept.size(), 5 * store.samples.records_per_block()));
    } else {
      REQUIRE(found == newest(kept, per_class, ~std::size_t{0}));
    }
    flash.steps_left = 1 + random() % 400;
    while (flash.has_power()) {
      const std::uint32_t label = random() % 8 == 0 ? 2 : random() % 2;
      n = (n + 1) % 30000;
      kept.emplace_back(n, label);
      is_acknowledged = store.add(n, label) == Status::kOk;
      if (flash.has_power()) REQUIRE(is_acknowledged);
    }
    if (kept.size() > 2000) kept.erase(kept.begin(), kept.end() - 1000);
  }
}

TEST_CASE("sample flash: wear is what the header says", "[firmware][samples]") {
  FakeFlash flash;
  Store store;
  const std::uint32_t per_class = GENERATE(0U, 6U);
  REQUIRE(store.open(flash, shape(per_class)) == Status::kOk);
  constexpr std::uint32_t kSamples = 2000;
  for (std::uint32_t n = 0; n < kSamples; ++n) REQUIRE(store.add(n, n % 50 == 0 ? 2 : n % 2) == Status::kOk);
  int most = 0;
  int all = 0;
  for (const int erasures : flash.erasures) {
    most = std::max(most, erasures);
    all += erasures;
  }
  const double blocks = kSamples / static_cast<double>(store.samples.records_per_block());
  CHECK(all <= (per_class == 0 ? 1.05 : 1.6) * blocks);
  CHECK(most <= all / 8 + 1);  // evenly
}
