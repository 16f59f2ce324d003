/// @file
/// The functions of every instruction set against their definition, lane by lane, at the edges of what floats hold.

#include "skink/simulations/learning/lanes.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "learning/group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/host/experiment/tasks.hpp"

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

TEST_CASE("lanes: a group's changes are added in fixed point; what does not count leaves no trace",
          "[simulation][lanes]") {
  std::mt19937 random(GENERATE(range(0U, 60U)));
  constexpr std::size_t kCount = 5;
  for (const LaneFunctions* functions : available_lanes()) {
    CAPTURE(functions->name);
    const std::uint32_t lanes = functions->lanes;
    const std::uint32_t wanted = static_cast<std::uint32_t>(random()) & ((1U << lanes) - 1U);
    LaneBuffer parameters;
    parameters.resize(kCount * lanes);
    std::vector<float> phi(kCount);
    for (float& value : phi) value = static_cast<float>(random() % 100) - 50.0F;
    const std::uint32_t wild = static_cast<std::uint32_t>(random());  // lanes that hold anything
    for (std::size_t i = 0; i < kCount * lanes; ++i) {
      const bool is_wild = (wild >> (i % lanes) & 1U) != 0 && random() % 3 == 0;
      parameters.data()[i] = is_wild ? any_float(random) : phi[i / lanes] + static_cast<float>(random() % 200) - 100.0F;
    }
    std::vector<std::int64_t> expected(kCount, 17);
    std::uint32_t not_finite = 0;
    std::uint32_t too_large = 0;
    for (std::uint32_t k = 0; k < lanes; ++k) {
      if ((wanted >> k & 1U) == 0) continue;
      const auto change = [&](std::size_t e) { return parameters.data()[e * lanes + k] - phi[e]; };
      bool is_finite = true;
      bool is_small = true;
      for (std::size_t e = 0; e < kCount; ++e) {
        is_finite = is_finite && std::isfinite(change(e));
        is_small = is_small && arithmetic::is_aggregatable(change(e));
      }
      if (!is_finite) not_finite |= 1U << k;
      if (is_finite && !is_small) too_large |= 1U << k;
      for (std::size_t e = 0; e < kCount && is_small; ++e) expected[e] += arithmetic::to_fixed_point(change(e));
    }
    RoundSums sums(kCount, functions->sum_lanes);
    for (std::size_t e = 0; e < kCount; ++e) sums.add(e, 17);
    LaneTake take;
    take.count = kCount;
    take.parameters = parameters.data();
    take.phi = phi.data();
    take.wanted = wanted;
    take.sums = sums.rows();
    functions->take(take);
    CHECK(take.not_finite == not_finite);
    CHECK(take.too_large == too_large);
    for (std::size_t e = 0; e < kCount; ++e) CHECK(sums.total(e) == expected[e]);
  }
}

TEST_CASE("lanes: orders are the permutations of each device", "[simulation][lanes]") {
  const std::uint32_t size = GENERATE(1U, 2U, 3U, 7U, 8U, 33U, 100U);
  for (const LaneFunctions* functions : available_lanes()) {
    CAPTURE(functions->name, size);
    const std::uint32_t lanes = functions->lanes;
    std::vector<std::uint32_t> numbers(lanes);
    std::vector<std::uint32_t> rounds(lanes);
    for (std::uint32_t k = 0; k < lanes; ++k) {
      numbers[k] = 1000000U * k + size;
      rounds[k] = 41 + 3 * k;
    }
    std::vector<std::uint32_t> order(std::size_t{size} * lanes);
    const std::uint64_t seed = 0x123456789abcdef0ULL;
    functions->orders({seed, 3, 6, rounds.data(), numbers.data(), size, order.data()});
    for (std::uint32_t k = 0; k < lanes; ++k) {
      const arithmetic::PhiloxBlock key = arithmetic::philox(seed, 3, 6, rounds[k], numbers[k]);
      for (std::uint32_t p = 0; p < size; ++p) {
        REQUIRE(order[std::size_t{p} * lanes + k] == arithmetic::permute(p, size, key));
      }
    }
  }
}

TEST_CASE("lanes: sine tasks are those of the task generator", "[simulation][lanes]") {
  Experiment experiment;
  experiment.seed = 99;
  experiment.task.support_size = 11;
  experiment.task.query_size = 10;
  experiment.evaluation.support_size = 5;
  experiment.evaluation.query_size = 7;
  const TaskGenerator generator = TaskGenerator::create(experiment, nullptr).value();
  const TaskSet set = GENERATE(TaskSet::kSupport, TaskSet::kQuery);
  const bool query = set == TaskSet::kQuery;
  const TaskUse use = GENERATE(TaskUse::kAdapt, TaskUse::kEvaluate);
  for (const LaneFunctions* functions : available_lanes()) {
    CAPTURE(functions->name);
    const std::uint32_t lanes = functions->lanes;
    std::vector<std::uint32_t> numbers(lanes);
    std::vector<std::uint32_t> rounds(lanes);
    for (std::uint32_t k = 0; k < lanes; ++k) {
      numbers[k] = 77U * k;
      rounds[k] = use == TaskUse::kEvaluate ? 0 : 8 + k;  // evaluations do not depend on the round
    }
    const std::uint32_t count = query ? generator.most_query(use) : generator.most_support(use);
    LaneBuffer inputs;
    LaneBuffer targets;
    inputs.resize(std::size_t{count} * lanes);
    targets.resize(std::size_t{count} * lanes);
    const bool adapts = use == TaskUse::kAdapt;
    LaneSines sines;
    sines.seed = experiment.seed;
    sines.task_purpose =
        static_cast<std::uint32_t>(adapts ? arithmetic::Purpose::kTask : arithmetic::Purpose::kEvaluationTask);
    sines.sample_purpose =
        static_cast<std::uint32_t>(adapts ? arithmetic::Purpose::kSample : arithmetic::Purpose::kEvaluationSample);
    sines.rounds = rounds.data();
    sines.numbers = numbers.data();
    sines.amplitude_min = experiment.task.amplitude_min;
    sines.amplitude_max = experiment.task.amplitude_max;
    sines.phase_min = experiment.task.phase_min;
    sines.phase_max = experiment.task.phase_max;
    sines.input_min = experiment.task.input_min;
    sines.input_max = experiment.task.input_max;
    sines.query = query;
    sines.count = count;
    sines.inputs = inputs.data();
    sines.targets = targets.data();
    functions->sines(sines);
    for (std::uint32_t k = 0; k < lanes; ++k) {
      const Task task = generator.draw({experiment.seed, rounds[k], numbers[k], use});
      for (std::uint32_t i = 0; i < count; ++i) {
        float input = 0;
        task.read_input(set, i, {&input, 1});
        REQUIRE(inputs.data()[i * lanes + k] == input);
        REQUIRE(targets.data()[i * lanes + k] == task.target(set, i, 0));
      }
    }
  }
}
