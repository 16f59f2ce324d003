/// @file
/// The plan is exact: an adaptation writes every word of the planned arena and not a byte beyond.

#include <catch2/catch.hpp>
#include <cstring>

#include "fakes/fixed_samples.hpp"
#include "fakes/model.hpp"
#include "skink/edge/task_runner.hpp"

using namespace skink;
using namespace skink::test;

namespace {

constexpr std::uint8_t kPattern = 0xa5;  // as a float -2.9e-16, which no computation here gives
constexpr std::size_t kBeyond = 4096;

/// The arena after an adaptation, its plan, and `kBeyond` bytes of fence on both sides.
struct Usage {
  std::vector<std::uint8_t> bytes;
  nn::MemoryPlan plan;

  bool is_written(std::size_t word) const {
    const std::uint8_t untouched[4] = {kPattern, kPattern, kPattern, kPattern};
    return std::memcmp(bytes.data() + kBeyond + 4 * word, untouched, 4) != 0;
  }
  bool is_clean(std::size_t first, std::size_t last) const {
    for (std::size_t i = first; i < last; ++i) {
      if (bytes[i] != kPattern) return false;
    }
    return true;
  }
};

Usage adapt(const NetSpec& spec, std::uint32_t batch_size, bool replayable) {
  FakeModel fake(spec);
  FakeSlot slot{fake.file};
  FakeSamples samples(fake.model.network);
  samples.replayable = replayable;
  model::ModelInfo info;
  REQUIRE(model::inspect(slot.source(), info) == Status::kOk);
  edge::TaskSettings settings;
  settings.inner_learning_rate = 0.01F;
  settings.batch_size = batch_size;
  settings.passes = 2;

  Usage usage;
  usage.bytes.assign(kBeyond + (std::size_t{1} << 18) + kBeyond, kPattern);
  edge::TaskRunner runner;
  REQUIRE(runner.begin(info, slot.source(), samples.source(), settings,
                       {usage.bytes.data() + kBeyond, std::size_t{1} << 18}) == Status::kOk);
  edge::Progress progress = edge::Progress::kMore;
  while (progress == edge::Progress::kMore) progress = runner.step();
  REQUIRE(progress == edge::Progress::kDone);
  usage.plan = runner.memory_plan();
  return usage;
}

void check_exact(const NetSpec& spec, std::uint32_t batch_size, bool replayable) {
  CAPTURE(describe(spec), batch_size, replayable);
  const Usage usage = adapt(spec, batch_size, replayable);
  std::size_t untouched = 0;
  for (std::size_t word = 0; word < usage.plan.total / 4; ++word) untouched += usage.is_written(word) ? 0U : 1U;
  CHECK(untouched == 0);
  CHECK(usage.is_clean(0, kBeyond));
  CHECK(usage.is_clean(kBeyond + usage.plan.total, usage.bytes.size()));
}

}  // namespace

TEST_CASE("arena: dense, convolution and pools use what was planned, all of it", "[edge][arena]") {
  const NetSpec spec =
      GENERATE(sine_net(), conv_net(), separable_net(),
               NetSpec{{8, 8, 2},
                       {conv2d(3, square(3, 1)), max_pool(square(2, 2)), conv2d(5, square(2, 1, nn::Padding::kSame)),
                        relu(), average_pool(square(3, 3)), flatten(), dense(2)},
                       nn::Loss::kSoftmaxCrossEntropy},
               NetSpec{{6, 5, 1},
                       {average_pool(square(2, 1)), tanh(), conv2d(2, square(3, 2), Train::kNone),
                        max_pool(square(1, 1)), conv2d(4, square(1, 1))},
                       nn::Loss::kMeanSquaredError});
  check_exact(spec, GENERATE(1U, 4U, 10U), GENERATE(true, false));
}

TEST_CASE("arena: random networks use what was planned, all of it", "[edge][arena][property]") {
  NetLottery lottery(GENERATE(range(0U, 100U)), GENERATE(false, true));
  const NetSpec spec = lottery.draw();
  check_exact(spec, 1 + lottery.below(10), lottery.below(2) == 0);
}
