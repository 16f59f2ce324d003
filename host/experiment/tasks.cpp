#include "skink/host/experiment/tasks.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/host/experiment/membership.hpp"
#include "task_plan.hpp"

namespace skink {
namespace {

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

bool has_evaluation(const Experiment& experiment) {
  return experiment.evaluation.tasks > 0 || experiment.evaluation.final_tasks > 0;
}

void plan_sides(const Experiment& experiment, TaskPlan& plan) {
  plan.adapt.support_size = experiment.task.support_size;
  plan.adapt.query_size = experiment.task.query_size;
  plan.adapt.rotations = experiment.task.rotations;
  plan.evaluate.use = TaskUse::kEvaluate;
  plan.evaluate.split = experiment.evaluation.split;
  plan.evaluate.support_size = experiment.evaluation.support_size;
  plan.evaluate.query_size = experiment.evaluation.query_size;
  plan.evaluate.rotations = experiment.evaluation.rotations;
  plan.evaluate.task_purpose = arithmetic::Purpose::kEvaluationTask;
  plan.evaluate.sample_purpose = arithmetic::Purpose::kEvaluationSample;
  if (!plan.is_sine()) return;
  for (TaskSide* side : {&plan.adapt, &plan.evaluate}) {
    side->most_support = side->support_size.count;
    side->most_query = side->query_size.count;
  }
}

void place_devices(const Experiment& experiment, TaskPlan& plan) {
  const Membership membership = split_roster(experiment);
  plan.places.assign(experiment.fleet.devices, 0);
  for (const std::uint32_t device : membership.training) plan.places[device] = plan.training_devices++;
}

Result<void> plan_dataset(const Experiment& experiment, TaskPlan& plan) {
  if (plan.dataset == nullptr) {
    return make_error(Status::kUnavailable, "the tasks need the data set " + experiment.task.dataset);
  }
  Result<void> planned = internal::choose_classes(plan);
  if (planned) planned = internal::check_shapes(plan, std::max(plan.adapt.rotations, plan.evaluate.rotations));
  if (!planned) return planned;
  plan.input_size = plan.dataset->sample_size();
  plan.learns_targets = objective_of(experiment) == Objective::kRegress;
  if (plan.learns_targets) plan.target_size = plan.dataset->target_size();
  place_devices(experiment, plan);
  planned = internal::group_records(plan, plan.training_devices, plan.adapt);
  const bool evaluates = has_evaluation(experiment);
  if (planned && evaluates) planned = internal::group_records(plan, experiment.fleet.held_out, plan.evaluate);
  if (planned) plan.partition_sha256 = internal::hash_partition(plan);
  return planned;
}

}  // namespace

std::uint32_t Task::count(TaskSet set) const noexcept {
  const bool query = set == TaskSet::kQuery;
  if (plan_->is_sine()) return query ? side_->query_size.count : side_->support_size.count;
  return static_cast<std::uint32_t>(query ? query_.size() : support_.size());
}

const std::string& Task::client_name() const noexcept { return side_->groups[client_].name; }

float Task::sine_input(TaskSet set, std::uint32_t index, RandomStream& samples) const noexcept {
  const float low = plan_->task().input_min;
  const float high = plan_->task().input_max;
  if (set == TaskSet::kSupport) return uniform_between(samples.word_at(index), low, high);
  return low + (high - low) * ((static_cast<float>(index) + 0.5F) / static_cast<float>(side_->query_size.count));
}

float Task::sine_value(float input) const noexcept { return amplitude_ * arithmetic::sin(input + phase_); }

void Task::read_input(TaskSet set, std::uint32_t index, Span<float> stored) const noexcept {
  if (plan_->is_sine()) {
    RandomStream samples = samples_;
    stored[0] = sine_input(set, index, samples);
    return;
  }
  const TaskSample& drawn = sample(set, index);
  plan_->dataset->read_stored(drawn.record, stored);
  if (drawn.turns > 0) rotate(stored.first(plan_->input_size), plan_->dataset->sample_shape()[0], drawn.turns);
}

float Task::target(TaskSet set, std::uint32_t index, std::uint32_t output) const noexcept {
  if (!plan_->is_sine()) {
    const TaskSample& drawn = sample(set, index);
    if (plan_->learns_targets) {
      const TaskConfig& task = plan_->task();
      return plan_->dataset->target_of(drawn.record, output) * task.target_scale + task.target_offset;
    }
    return static_cast<float>(drawn.label);
  }
  RandomStream samples = samples_;
  return sine_value(sine_input(set, index, samples));
}

float Task::persistence(std::uint32_t output, Span<const float> stored) const noexcept {
  const TaskConfig& task = plan_->task();
  const Dataset& dataset = *plan_->dataset;
  const std::uint32_t channel = task.persistence[task.persistence.size() == 1 ? 0 : output];
  const std::size_t channels = dataset.sample_shape().back();
  const auto of = [channel](const std::vector<double>& numbers) { return numbers[numbers.size() == 1 ? 0 : channel]; };
  const auto last = static_cast<double>(stored[stored.size() - channels + channel]);
  const auto value = static_cast<float>(last * of(dataset.scale()) + of(dataset.offset()));
  return value * task.target_scale + task.target_offset;
}

void Task::read_set(TaskSet set, Span<float> stored, Span<float> targets) const noexcept {
  RandomStream samples = samples_;
  const bool is_sine = plan_->is_sine();
  const auto outputs = static_cast<std::uint32_t>(plan_->target_size);
  for (std::uint32_t i = 0; i < count(set); ++i) {
    if (is_sine) {
      stored[i] = sine_input(set, i, samples);
      targets[i] = sine_value(stored[i]);
      continue;
    }
    read_input(set, i, stored.subspan(i * plan_->input_size, plan_->input_size));
    for (std::uint32_t o = 0; o < outputs; ++o) targets[std::size_t{i} * outputs + o] = target(set, i, o);
  }
}

Result<TaskGenerator> TaskGenerator::create(const Experiment& experiment, std::shared_ptr<const Dataset> dataset) {
  auto plan = std::make_shared<TaskPlan>();
  plan->experiment = experiment;
  plan->dataset = std::move(dataset);
  plan_sides(experiment, *plan);
  if (!plan->is_sine()) {
    const Result<void> planned = plan_dataset(experiment, *plan);
    if (!planned) return planned.error();
  }
  return TaskGenerator(std::move(plan));
}

bool TaskGenerator::can_draw(TaskUse use) const noexcept {
  return plan_->is_sine() || !side_of(*plan_, use).groups.empty();
}

/// Of a device its own, or in turn where clients are more than devices; of an evaluation task one after the other.
std::uint32_t TaskGenerator::client_of(const TaskSide& side, const TaskKey& key) const noexcept {
  const std::uint64_t clients = side.groups.size();
  if (key.use == TaskUse::kEvaluate) return static_cast<std::uint32_t>(key.number % clients);
  const std::uint64_t place = key.number < plan_->places.size() ? plan_->places[key.number] : key.number;
  const bool takes_turns = plan_->training_devices < clients && plan_->task().fresh == TaskFreshness::kRound;
  const std::uint64_t turns = takes_turns ? std::uint64_t{key.round} * plan_->training_devices : 0;
  return static_cast<std::uint32_t>((place + turns) % clients);
}

Task TaskGenerator::draw(const TaskKey& key) const {
  const TaskSide& side = side_of(*plan_, key.use);
  const TaskConfig& config = plan_->task();
  const bool ignores_round = key.use == TaskUse::kEvaluate || config.fresh == TaskFreshness::kDevice;
  const std::uint32_t round = ignores_round ? 0 : key.round;
  Task task(*plan_, side, {key.seed, side.sample_purpose, round, key.number});
  if (plan_->is_sine()) {
    RandomStream draws(key.seed, side.task_purpose, round, key.number);
    task.amplitude_ = uniform_between(draws.word_at(0), config.amplitude_min, config.amplitude_max);
    task.phase_ = uniform_between(draws.word_at(1), config.phase_min, config.phase_max);
    return task;
  }
  task.client_ = client_of(side, key);
  internal::DrawnSets sets = internal::draw_sets(*plan_, side, side.groups[task.client_], key.seed, round, key.number);
  task.support_ = std::move(sets.support);
  task.query_ = std::move(sets.query);
  return task;
}

std::size_t TaskGenerator::input_size() const noexcept { return plan_->input_size; }
std::size_t TaskGenerator::target_size() const noexcept { return plan_->target_size; }

std::uint32_t TaskGenerator::most_support(TaskUse use) const noexcept { return side_of(*plan_, use).most_support; }
std::uint32_t TaskGenerator::most_query(TaskUse use) const noexcept { return side_of(*plan_, use).most_query; }
bool TaskGenerator::is_even(TaskUse use) const noexcept { return side_of(*plan_, use).is_even; }

const TaskCensus& TaskGenerator::census(TaskUse use) const noexcept { return side_of(*plan_, use).census; }
std::vector<std::string> TaskGenerator::client_names(TaskUse use) const {
  std::vector<std::string> names;
  for (const internal::TaskGroup& group : side_of(*plan_, use).groups) {
    if (group.name.empty()) return {};
    names.push_back(group.name);
  }
  return names;
}

std::vector<std::string> TaskGenerator::class_names() const {
  std::vector<std::string> names;
  for (const auto& [label, output] : plan_->outputs) names.push_back(plan_->dataset->class_name(label));
  return names;
}

const std::string& TaskGenerator::partition_sha256() const noexcept { return plan_->partition_sha256; }
const Dataset* TaskGenerator::dataset() const noexcept { return plan_->dataset.get(); }

std::uint32_t TaskGenerator::shared_readings() const noexcept {
  const bool adapts = !plan_->is_sine() && can_draw(TaskUse::kEvaluate) && !plan_->evaluate.support_size.is_none() &&
                      plan_->experiment.evaluation.passes > 0;
  if (!adapts) return 0;
  const std::uint32_t overlap = plan_->dataset->overlap();
  const bool is_apart = plan_->task().order == SampleOrder::kTime && plan_->task().gap >= overlap;
  return is_apart ? 0 : overlap;
}

std::uint32_t TaskGenerator::known_clients() const {
  const bool is_natural = plan_->experiment.fleet.partition.kind == PartitionKind::kNatural;
  if (plan_->is_sine() || plan_->permutes() || !is_natural) return 0;
  const Dataset& dataset = *plan_->dataset;
  std::set<std::uint16_t> clients;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    if (dataset.split_of(record) == Split::kTrain) clients.insert(dataset.client_of(record));
  }
  std::set<std::string> training;
  for (const std::uint16_t client : clients) training.insert(dataset.client_name(client));
  const auto is_known = [&](const internal::TaskGroup& group) {
    return !group.name.empty() && training.count(group.name) > 0;
  };
  const std::vector<internal::TaskGroup>& groups = plan_->evaluate.groups;
  return static_cast<std::uint32_t>(std::count_if(groups.begin(), groups.end(), is_known));
}

std::vector<std::uint32_t> TaskGenerator::devices_of_clients() const {
  std::vector<std::uint32_t> devices(plan_->adapt.groups.size(), 0);
  for (std::uint32_t place = 0; place < plan_->training_devices && !devices.empty(); ++place) {
    ++devices[place % devices.size()];
  }
  return devices;
}

}  // namespace skink
