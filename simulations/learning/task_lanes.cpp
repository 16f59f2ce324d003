#include "task_lanes.hpp"

#include <algorithm>

#include "neuron_plain.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::simulations {

TaskLanes::TaskLanes(const Experiment& experiment, const nn::Network& network, const TaskGenerator& tasks,
                     const LaneFunctions& functions)
    : experiment_(experiment),
      tasks_(tasks),
      functions_(functions),
      is_sine_(experiment.task.source == TaskSource::kSine),
      input_size_(network.input_size()),
      target_size_(target_size(network)),
      most_samples_(std::max(tasks.support_count(TaskUse::kAdapt), 1U)),
      numbers_(functions.lanes),
      rounds_(functions.lanes) {
  if (tasks.can_draw(TaskUse::kEvaluate)) {
    most_samples_ = std::max<std::size_t>(
        {most_samples_, tasks.support_count(TaskUse::kEvaluate), tasks.query_count(TaskUse::kEvaluate)});
  }
  if (traits_of(experiment.meta.strategy).learning == Learning::kFromQuery) {
    most_samples_ = std::max<std::size_t>(most_samples_, tasks.query_count(TaskUse::kAdapt));
  }
  if (!is_sine_) return;
  sine_inputs_.resize(most_samples_ * functions.lanes);
  sine_targets_.resize(most_samples_ * functions.lanes);
}

std::uint32_t TaskLanes::count(TaskSet set) const {
  return set == TaskSet::kQuery ? tasks_.query_count(draw_.use) : tasks_.support_count(draw_.use);
}

void TaskLanes::draw(const TaskDraw& draw) {
  draw_ = draw;
  orders_known_ = 0;
  for (std::uint32_t k = 0; k < functions_.lanes; ++k) {
    numbers_[k] = k < draw.count ? draw.numbers[k] : 0;
    rounds_[k] = k < draw.count ? draw.rounds[k] : 0;
  }
  if (is_sine_) return;  // a few numbers: drawn as they are read
  drawn_.clear();
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    drawn_.push_back(tasks_.draw({experiment_.seed, draw.rounds[k], draw.numbers[k], draw.use}));
  }
}

// ---- reading

void TaskLanes::read(TaskSet set) {
  if (is_sine_) {
    read_sines(set);
    return;
  }
  const std::size_t samples = count(set);
  const std::size_t each = samples * input_size_;
  if (stored_.size() < draw_.count * each) stored_.resize(draw_.count * each);
  if (wanted_.size() < draw_.count * samples) wanted_.resize(draw_.count * samples);
  for (std::uint32_t k = 0; k < draw_.count; ++k) {
    drawn_[k].read_set(set, {stored_.data() + k * each, each}, {wanted_.data() + k * samples, samples});
  }
}

void TaskLanes::read_device(std::uint32_t k, TaskSet set) {
  if (is_sine_) {
    if (k == 0) read_sines(set);  // of all
    return;
  }
  const std::size_t samples = count(set);
  const std::size_t each = samples * input_size_;
  if (stored_.size() < each) stored_.resize(each);
  if (wanted_.size() < samples) wanted_.resize(samples);
  drawn_[k].read_set(set, {stored_.data(), each}, {wanted_.data(), samples});
}

void TaskLanes::read_sines(TaskSet set) {
  const TaskConfig& task = experiment_.task;
  const bool adapts = draw_.use == TaskUse::kAdapt;
  const auto purpose = [](arithmetic::Purpose of) { return static_cast<std::uint32_t>(of); };
  static constexpr std::uint32_t kAnyRound[kMaxLanes] = {};
  LaneSines sines;
  sines.seed = experiment_.seed;
  sines.task_purpose = purpose(adapts ? arithmetic::Purpose::kTask : arithmetic::Purpose::kEvaluationTask);
  sines.sample_purpose = purpose(adapts ? arithmetic::Purpose::kSample : arithmetic::Purpose::kEvaluationSample);
  sines.rounds = adapts && task.fresh == TaskFreshness::kDevice ? kAnyRound : rounds_.data();
  sines.numbers = numbers_.data();
  sines.amplitude_min = task.amplitude_min;
  sines.amplitude_max = task.amplitude_max;
  sines.phase_min = task.phase_min;
  sines.phase_max = task.phase_max;
  sines.input_min = task.input_min;
  sines.input_max = task.input_max;
  sines.query = set == TaskSet::kQuery;
  sines.count = count(set);
  sines.inputs = sine_inputs_.data();
  sines.targets = sine_targets_.data();
  functions_.sines(sines);
}

const std::uint32_t* TaskLanes::order(std::uint32_t pass) {
  while (orders_known_ <= pass) {
    if (orders_.size() == orders_known_) orders_.emplace_back(most_samples_ * functions_.lanes);
    functions_.orders({experiment_.seed, orders_known_, static_cast<std::uint32_t>(draw_.order), rounds_.data(),
                       numbers_.data(), count(TaskSet::kSupport), orders_[orders_known_].data()});
    ++orders_known_;
  }
  return orders_[pass].data();
}

// ---- filling

void TaskLanes::fill_lanes(TaskSet set, const std::uint32_t* order, float* inputs, float* targets) const {
  const std::size_t samples = count(set);
  if (is_sine_) {
    fill_sine_lanes(samples, order, inputs, targets);
    return;
  }
  const std::size_t width = functions_.lanes;
  const float scale = experiment_.model.input_scale;
  const float offset = experiment_.model.input_offset;
  for (std::uint32_t k = 0; k < draw_.count; ++k) {
    const float* stored = stored_.data() + k * samples * input_size_;
    const float* wanted = wanted_.data() + k * samples;
    for (std::size_t p = 0; p < samples; ++p) {
      const std::size_t sample = order != nullptr ? order[p * width + k] : p;
      const float* from = stored + sample * input_size_;
      float* to = inputs + p * input_size_ * width + k;
      for (std::size_t i = 0; i < input_size_; ++i) to[i * width] = from[i] * scale + offset;
      float* target = targets + p * target_size_ * width + k;
      for (std::size_t o = 0; o < target_size_; ++o) target[o * width] = wanted[sample];
    }
  }
}

void TaskLanes::fill_sine_lanes(std::size_t samples, const std::uint32_t* order, float* inputs, float* targets) const {
  const std::size_t width = functions_.lanes;
  const float scale = experiment_.model.input_scale;
  const float offset = experiment_.model.input_offset;
  for (std::size_t p = 0; p < samples; ++p) {
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t from = (order != nullptr ? order[p * width + k] : p) * width + k;
      inputs[p * width + k] = sine_inputs_.data()[from] * scale + offset;
      targets[p * width + k] = sine_targets_.data()[from];
    }
  }
}

void TaskLanes::fill_device(std::uint32_t k, TaskSet set, const std::uint32_t* order, std::size_t stride, float* inputs,
                            float* targets) const {
  const std::size_t samples = count(set);
  const std::size_t width = functions_.lanes;
  const float scale = experiment_.model.input_scale;
  const float offset = experiment_.model.input_offset;
  for (std::size_t p = 0; p < samples; ++p) {
    const std::size_t sample = order != nullptr ? order[p * width + k] : p;
    const float* from = is_sine_ ? sine_inputs_.data() + sample * width + k : stored_.data() + sample * input_size_;
    const float wanted = is_sine_ ? sine_targets_.data()[sample * width + k] : wanted_[sample];
    float* to = inputs + p * stride;
    for (std::size_t i = 0; i < input_size_; ++i) to[i] = from[i] * scale + offset;
    for (std::size_t o = 0; o < target_size_; ++o) targets[p * target_size_ + o] = wanted;
  }
}

}  // namespace skink::simulations
