#include "skink/host/experiment/tasks.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "skink/common/arithmetic/real.hpp"
#include "task_experiments.hpp"

using namespace skink;
using namespace skink::test;

namespace {

std::uint32_t bits(float value) { return arithmetic::RealTraits<float>::to_bits(value); }

}  // namespace

// The bit patterns of this file come from a separate implementation of docs/arithmetic.md, section 10, in Python.

TEST_CASE("tasks: sine tasks give the documented bits", "[common][host][tasks][golden]") {
  const TaskGenerator tasks = TaskGenerator::create(sine_experiment(), nullptr).value();
  CHECK(tasks.input_size() == 1);
  struct Golden {
    TaskUse use;
    std::uint32_t amplitude, phase;
    std::uint32_t support[3][2];
    std::uint32_t query[3];
  };
  const Golden golden =
      GENERATE(Golden{TaskUse::kAdapt,
                      0x3fc9143fU,
                      0x40c3862aU,
                      {{0xbfec0a2cU, 0xbfb561adU}, {0xc083a5dbU, 0x3fb729bdU}, {0xbfbd9264U, 0xbfc861cbU}},
                      {0x3fb85c35U, 0x3f5b5cd7U, 0xbfc8a908U}},
               Golden{TaskUse::kEvaluate,
                      0x407e7e03U,
                      0x405ff027U,
                      {{0xc086c4abU, 0xc0265d1cU}, {0x407fa968U, 0x406e2851U}, {0xbfadbc90U, 0x40562182U}},
                      {0xc07caad4U, 0xc063a86fU, 0x4052c004U}});
  const Task task = tasks.draw({42, 7, 3, golden.use});
  CHECK(task.support_count() == 32);
  CHECK(task.query_count() == 100);
  CHECK(bits(task.amplitude()) == golden.amplitude);
  CHECK(bits(task.phase()) == golden.phase);
  const std::uint32_t support[3] = {0, 1, 31};
  const std::uint32_t query[3] = {0, 57, 99};
  const std::uint32_t query_input[3] = {0xc09e6666U, 0x3f400000U, 0x409e6666U};
  for (std::size_t i = 0; i < 3; ++i) {
    float input = 0;
    task.read_input(kSupport, support[i], {&input, 1});
    CHECK(bits(input) == golden.support[i][0]);
    CHECK(bits(task.target(kSupport, support[i], 0)) == golden.support[i][1]);
    task.read_input(kQuery, query[i], {&input, 1});
    CHECK(bits(input) == query_input[i]);
    CHECK(bits(task.target(kQuery, query[i], 0)) == golden.query[i]);
  }
}

TEST_CASE("tasks: a whole set is what its samples are", "[common][host][tasks]") {
  const auto check = [](const TaskGenerator& tasks, TaskUse use) {
    const Task task = tasks.draw({9, 2, 4, use});
    const std::size_t size = tasks.input_size();
    for (const TaskSet query : {kSupport, kQuery}) {
      std::vector<float> stored(task.count(query) * size);
      std::vector<float> targets(task.count(query));
      task.read_set(query, {stored.data(), stored.size()}, {targets.data(), targets.size()});
      for (std::uint32_t i = 0; i < task.count(query); ++i) {
        std::vector<float> one(size);
        task.read_input(query, i, {one.data(), size});
        CHECK(std::equal(one.begin(), one.end(), stored.begin() + static_cast<std::ptrdiff_t>(i * size)));
        CHECK(bits(targets[i]) == bits(task.target(query, i, 0)));
      }
    }
  };
  check(TaskGenerator::create(sine_experiment(), nullptr).value(), TaskUse::kAdapt);
  check(TaskGenerator::create(sine_experiment(), nullptr).value(), TaskUse::kEvaluate);
  Experiment images = image_experiment();
  images.task.rotations = 4;
  check(TaskGenerator::create(images, load(DatasetFolder())).value(), TaskUse::kAdapt);
}

TEST_CASE("tasks: they are new every round, or stay with the device", "[common][host][tasks]") {
  Experiment experiment = sine_experiment();
  const auto amplitude = [&experiment](std::uint32_t round, std::uint32_t number, TaskUse use) {
    return TaskGenerator::create(experiment, nullptr).value().draw({1, round, number, use}).amplitude();
  };
  CHECK(amplitude(0, 0, TaskUse::kAdapt) != amplitude(1, 0, TaskUse::kAdapt));
  CHECK(amplitude(0, 0, TaskUse::kAdapt) != amplitude(0, 1, TaskUse::kAdapt));
  CHECK(amplitude(0, 0, TaskUse::kAdapt) != amplitude(0, 0, TaskUse::kEvaluate));
  const float first = amplitude(0, 0, TaskUse::kAdapt);
  experiment.task.fresh = TaskFreshness::kDevice;
  CHECK(amplitude(0, 0, TaskUse::kAdapt) == first);
  CHECK(amplitude(5, 0, TaskUse::kAdapt) == first);
  CHECK(amplitude(5, 1, TaskUse::kAdapt) != first);
  CHECK(amplitude(0, 0, TaskUse::kEvaluate) == amplitude(1, 0, TaskUse::kEvaluate));  // the same at every round
  CHECK(amplitude(0, 0, TaskUse::kEvaluate) != amplitude(0, 1, TaskUse::kEvaluate));
  const TaskGenerator tasks = TaskGenerator::create(experiment, nullptr).value();
  CHECK(tasks.draw({1, 5, 0, TaskUse::kAdapt}).target(kSupport, 3, 0) ==
        tasks.draw({1, 6, 0, TaskUse::kAdapt}).target(kSupport, 3, 0));
}

TEST_CASE("tasks: what no data was checked for cannot be drawn", "[common][host][tasks]") {
  Experiment experiment = image_experiment();
  const DatasetFolder content;
  const TaskGenerator without = TaskGenerator::create(experiment, load(content)).value();
  CHECK(without.can_draw(TaskUse::kAdapt));
  CHECK_FALSE(without.can_draw(TaskUse::kEvaluate));
  CHECK(TaskGenerator::create(sine_experiment(), nullptr).value().can_draw(TaskUse::kEvaluate));
}

TEST_CASE("tasks: threads that share a generator draw the same", "[common][host][tasks]") {
  const TaskGenerator tasks = TaskGenerator::create(image_experiment(), load(DatasetFolder())).value();
  const auto sum = [&tasks] {
    double total = 0;
    for (std::uint32_t number = 0; number < 200; ++number) {
      const Task task = tasks.draw({1, 0, number, TaskUse::kAdapt});
      for (std::uint32_t i = 0; i < task.support_count(); ++i)
        total += static_cast<double>(input_of(task, kSupport, i)[0]) * i;
    }
    return total;
  };
  double results[4] = {};
  std::vector<std::thread> threads;
  for (double& result : results) threads.emplace_back([&result, &sum] { result = sum(); });
  for (std::thread& thread : threads) thread.join();
  for (const double result : results) CHECK(result == sum());
}
