#include "skink/host/experiment/tasks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "task_plan.hpp"

namespace skink {
namespace {

using arithmetic::permute;
using arithmetic::RandomStream;
using arithmetic::uniform_between;
using internal::TaskPlan;
using internal::TaskSide;

void transpose(Span<float> image, std::size_t n) {
  for (std::size_t y = 0; y < n; ++y) {
    for (std::size_t x = y + 1; x < n; ++x) std::swap(image[y * n + x], image[x * n + y]);
  }
}

void reverse_rows(Span<float> image, std::size_t n) {
  for (std::size_t y = 0; y < n / 2; ++y) {
    std::swap_ranges(image.begin() + y * n, image.begin() + (y + 1) * n, image.begin() + (n - 1 - y) * n);
  }
}

/// One rotation is out[y][x] = in[n-1-x][y]: the rows reversed, then transposed.
void rotate(Span<float> image, std::size_t n, std::uint32_t times) {
  switch (times) {
    case 1:
      reverse_rows(image, n);
      transpose(image, n);
      break;
    case 2: std::reverse(image.begin(), image.end()); break;
    case 3:
      transpose(image, n);
      reverse_rows(image, n);
      break;
    default: break;
  }
}

const TaskSide& side_of(const TaskPlan& plan, TaskUse use) {
  return use == TaskUse::kAdapt ? plan.adapt : plan.evaluate;
}

Result<void> plan_dataset(const Experiment& experiment, TaskPlan& plan) {
  if (plan.dataset == nullptr) {
    return make_error(Status::kUnavailable, "the tasks need the data set " + experiment.task.dataset);
  }
  const Dataset& dataset = *plan.dataset;
  const Result<void> shape = internal::check_sample_shape(dataset, experiment.model.input,
                                                          std::max(plan.adapt.rotations, plan.evaluate.rotations));
  if (!shape) return shape.error();
  plan.input_size = dataset.sample_size();
  const auto group = [&](TaskSide& side, Split split) -> Result<void> {
    auto groups = internal::group_records(dataset, split, plan.task, side);
    if (!groups) return groups.error();
    side.groups = std::move(*groups);
    return {};
  };
  Result<void> adapt = group(plan.adapt, Split::kTrain);
  if (!adapt) return adapt;
  const bool evaluates = experiment.evaluation.tasks > 0 || experiment.evaluation.final_tasks > 0;
  return evaluates ? group(plan.evaluate, experiment.evaluation.split) : Result<void>();
}

}  // namespace

std::uint32_t Task::support_count() const noexcept { return side_->support_size * plan_->samples_per_size(); }
std::uint32_t Task::query_count() const noexcept { return side_->query_size * plan_->samples_per_size(); }

float Task::sine_input(TaskSet set, std::uint32_t index, RandomStream& samples) const noexcept {
  const float low = plan_->task.input_min;
  const float high = plan_->task.input_max;
  if (set == TaskSet::kSupport) return uniform_between(samples.word_at(index), low, high);
  return low + (high - low) * ((static_cast<float>(index) + 0.5F) / static_cast<float>(side_->query_size));
}

float Task::sine_value(float input) const noexcept { return amplitude_ * arithmetic::sin(input + phase_); }

std::uint32_t Task::record(TaskSet set, std::uint32_t index) const noexcept {
  const std::uint32_t count = plan_->task.ways;
  const Way& way = ways_[index % count];
  const std::uint32_t sample = (set == TaskSet::kQuery ? side_->support_size : 0) + index / count;
  return (*way.records)[permute(sample, static_cast<std::uint32_t>(way.records->size()), way.order)];
}

void Task::read_input(TaskSet set, std::uint32_t index, Span<float> stored) const noexcept {
  if (plan_->is_sine()) {
    RandomStream samples = samples_;
    stored[0] = sine_input(set, index, samples);
    return;
  }
  plan_->dataset->read_stored(record(set, index), stored);
  const std::uint32_t times = rotation(index % plan_->task.ways);
  if (times > 0) rotate(stored.first(plan_->input_size), plan_->dataset->sample_shape()[0], times);
}

float Task::target(TaskSet set, std::uint32_t index, std::uint32_t /*output*/) const noexcept {
  if (!plan_->is_sine()) return static_cast<float>(index % plan_->task.ways);
  RandomStream samples = samples_;
  return sine_value(sine_input(set, index, samples));
}

void Task::read_set(TaskSet set, Span<float> stored, Span<float> targets) const noexcept {
  RandomStream samples = samples_;
  const bool is_sine = plan_->is_sine();
  for (std::uint32_t i = 0; i < count(set); ++i) {
    if (is_sine) {
      stored[i] = sine_input(set, i, samples);
      targets[i] = sine_value(stored[i]);
    } else {
      read_input(set, i, stored.subspan(i * plan_->input_size, plan_->input_size));
      targets[i] = target(set, i, 0);
    }
  }
}

Result<TaskGenerator> TaskGenerator::create(const Experiment& experiment, std::shared_ptr<const Dataset> dataset) {
  auto plan = std::make_shared<TaskPlan>();
  plan->task = experiment.task;
  plan->dataset = std::move(dataset);
  plan->adapt.support_size = experiment.task.support_size;
  plan->adapt.query_size = experiment.task.query_size;
  plan->adapt.ignores_round = experiment.task.fresh == TaskFreshness::kDevice;
  plan->adapt.rotations = experiment.task.rotations;
  plan->evaluate.rotations = experiment.evaluation.rotations;
  plan->evaluate.support_size = experiment.evaluation.support_size;
  plan->evaluate.query_size = experiment.evaluation.query_size;
  plan->evaluate.task_purpose = arithmetic::Purpose::kEvaluationTask;
  plan->evaluate.sample_purpose = arithmetic::Purpose::kEvaluationSample;
  if (!plan->is_sine()) {
    const Result<void> planned = plan_dataset(experiment, *plan);
    if (!planned) return planned.error();
  }
  return TaskGenerator(std::move(plan));
}

bool TaskGenerator::can_draw(TaskUse use) const noexcept {
  return plan_->is_sine() || !side_of(*plan_, use).groups.empty();
}

Task TaskGenerator::draw(const TaskKey& key) const {
  const TaskSide& side = side_of(*plan_, key.use);
  const TaskConfig& config = plan_->task;
  const std::uint32_t round = side.ignores_round ? 0 : key.round;
  RandomStream draws(key.seed, side.task_purpose, round, key.number);
  Task task(*plan_, side, {key.seed, side.sample_purpose, round, key.number});
  if (plan_->is_sine()) {
    task.amplitude_ = uniform_between(draws.word_at(0), config.amplitude_min, config.amplitude_max);
    task.phase_ = uniform_between(draws.word_at(1), config.phase_min, config.phase_max);
    return task;
  }
  const internal::TaskGroup& group = side.groups[key.number % side.groups.size()];
  const auto classes = static_cast<std::uint32_t>(group.classes.size());
  const arithmetic::PhiloxBlock class_order = draws.block(0);
  task.ways_.reserve(config.ways);
  for (std::uint32_t w = 0; w < config.ways; ++w) {
    const std::uint32_t drawn = permute(w, classes * side.rotations, class_order);
    task.ways_.push_back({&group.classes[drawn % classes].records, drawn / classes, task.samples_.block(w)});
  }
  return task;
}

std::size_t TaskGenerator::input_size() const noexcept { return plan_->input_size; }

std::uint32_t TaskGenerator::support_count(TaskUse use) const noexcept {
  return side_of(*plan_, use).support_size * plan_->samples_per_size();
}

std::uint32_t TaskGenerator::query_count(TaskUse use) const noexcept {
  return side_of(*plan_, use).query_size * plan_->samples_per_size();
}

}  // namespace skink
