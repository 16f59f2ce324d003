#include "task_lanes.hpp"

#include <algorithm>

#include "skink/common/arithmetic/permutation.hpp"

namespace skink::simulations {
namespace {

/// Sets beyond this are read again in every pass.
constexpr std::size_t kCacheBytes = std::size_t{64} << 20;
/// Orders beyond this are computed again for every device.
constexpr std::size_t kOrderBytes = std::size_t{16} << 20;
/// Some milliseconds of work, after which somebody may ask whether it is to be given up.
constexpr std::uint32_t kSamplesAtATime = 64;

std::uint32_t most_of(const TaskGenerator& tasks) {
  std::uint32_t most = std::max(tasks.most_support(TaskUse::kAdapt), tasks.most_query(TaskUse::kAdapt));
  if (tasks.can_draw(TaskUse::kEvaluate)) {
    most = std::max({most, tasks.most_support(TaskUse::kEvaluate), tasks.most_query(TaskUse::kEvaluate)});
  }
  return std::max(most, 1U);
}

/// Whole mini-batches of meta-training and of evaluation.
std::uint32_t samples_at_a_time(const Experiment& experiment, std::uint32_t most) {
  const std::uint64_t adapt = experiment.meta.batch_size;
  const std::uint64_t evaluate = experiment.evaluation.batch_size;
  std::uint64_t multiple = adapt * evaluate;
  if (adapt % evaluate == 0) multiple = adapt;
  if (evaluate % adapt == 0) multiple = evaluate;
  const std::uint64_t wanted = (kSamplesAtATime + multiple - 1) / multiple * multiple;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, most));
}

}  // namespace

TaskLanes::TaskLanes(const Experiment& experiment, const nn::Network& network, const TaskGenerator& tasks,
                     const LaneFunctions& functions)
    : experiment_(experiment),
      tasks_(tasks),
      functions_(functions),
      is_sine_(experiment.task.source == TaskSource::kSine),
      input_size_(network.input_size()),
      target_size_(network.target_size()),
      most_samples_(most_of(tasks)),
      most_at_a_time_(samples_at_a_time(experiment, most_samples_)),
      numbers_(functions.lanes),
      rounds_(functions.lanes) {
  const std::vector<float>& scale = experiment.model.input_scale;
  const std::vector<float>& offset = experiment.model.input_offset;
  for (std::size_t i = 0; i < input_size_; ++i) {
    scale_.push_back(scale[i % scale.size()]);
    offset_.push_back(offset[i % offset.size()]);
  }
  caches_ = std::size_t{most_samples_} * input_size_ * functions.lanes * sizeof(float) <= kCacheBytes;
  if (!is_sine_) return;
  sine_inputs_.resize(std::size_t{most_samples_} * functions.lanes);
  sine_targets_.resize(std::size_t{most_samples_} * functions.lanes);
}

std::uint32_t TaskLanes::count(std::uint32_t k, TaskSet set) const {
  if (!is_sine_) return drawn_[k].count(set);
  return set == TaskSet::kQuery ? tasks_.most_query(draw_.use) : tasks_.most_support(draw_.use);
}

std::uint32_t TaskLanes::most(TaskSet set) const {
  if (is_sine_) return count(0, set);
  std::uint32_t most = 0;
  for (const Task& task : drawn_) most = std::max(most, task.count(set));
  return most;
}

bool TaskLanes::is_even(TaskSet set) const {
  if (is_sine_) return true;
  const std::uint32_t first = drawn_.front().count(set);
  return std::all_of(drawn_.begin(), drawn_.end(), [&](const Task& task) { return task.count(set) == first; });
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
  first_stored_.assign(draw_.count, 0);
  std::size_t samples = 0;
  for (std::uint32_t k = 0; k < draw_.count; ++k) {
    first_stored_[k] = samples;
    samples += drawn_[k].count(set);
  }
  const std::size_t kept = caches_ ? samples : 1;
  if (stored_.size() < kept * input_size_) stored_.resize(kept * input_size_);
  if (!caches_) return;
  for (std::uint32_t k = 0; k < draw_.count; ++k) {
    float* to = stored_.data() + first_stored_[k] * input_size_;
    for (std::uint32_t s = 0; s < drawn_[k].count(set); ++s, to += input_size_) {
      drawn_[k].read_input(set, s, {to, input_size_});
    }
  }
}

void TaskLanes::read_device(std::uint32_t k, TaskSet set) {
  if (is_sine_) {
    if (k == 0) read_sines(set);  // of all
    return;
  }
  first_stored_.assign(draw_.count, 0);
  const std::uint32_t samples = caches_ ? drawn_[k].count(set) : 1;
  if (stored_.size() < samples * input_size_) stored_.resize(samples * input_size_);
  if (!caches_) return;
  for (std::uint32_t s = 0; s < samples; ++s) {
    drawn_[k].read_input(set, s, {stored_.data() + s * input_size_, input_size_});
  }
}

/// One sample of the k-th device, which was read.
const float* TaskLanes::stored(std::uint32_t k, TaskSet set, std::uint32_t sample) {
  if (caches_) return stored_.data() + (first_stored_[k] + sample) * input_size_;
  drawn_[k].read_input(set, sample, {stored_.data(), input_size_});
  return stored_.data();
}

void TaskLanes::read_targets(std::uint32_t k, TaskSet set, std::uint32_t sample, float* targets,
                             std::size_t stride) const {
  for (std::size_t o = 0; o < target_size_; ++o) {
    targets[o * stride] = drawn_[k].target(set, sample, static_cast<std::uint32_t>(o));
  }
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
  sines.rounds = adapts && task.fresh == TaskFreshness::kRound ? rounds_.data() : kAnyRound;  // evaluations: always
  sines.numbers = numbers_.data();
  sines.amplitude_min = task.amplitude_min;
  sines.amplitude_max = task.amplitude_max;
  sines.phase_min = task.phase_min;
  sines.phase_max = task.phase_max;
  sines.input_min = task.input_min;
  sines.input_max = task.input_max;
  sines.query = set == TaskSet::kQuery;
  sines.count = count(0, set);
  sines.inputs = sine_inputs_.data();
  sines.targets = sine_targets_.data();
  functions_.sines(sines);
}

// ---- orders

bool TaskLanes::keeps_orders() const {
  return std::size_t{most_samples_} * functions_.lanes * sizeof(std::uint32_t) * 16 <= kOrderBytes;
}

const std::uint32_t* TaskLanes::order(std::uint32_t pass) {
  const bool keeps = keeps_orders();
  const std::uint32_t place = keeps ? pass : 0;
  if (!keeps) orders_known_ = 0;
  const std::uint32_t most = this->most(TaskSet::kSupport);
  while (orders_known_ <= place) {
    if (orders_.size() == orders_known_) orders_.emplace_back(std::size_t{most_samples_} * functions_.lanes);
    std::vector<std::uint32_t>& order = orders_[orders_known_];
    const std::uint32_t block = keeps ? orders_known_ : pass;
    ++orders_known_;
    if (is_even(TaskSet::kSupport)) {
      functions_.orders({experiment_.seed, block, static_cast<std::uint32_t>(draw_.order), rounds_.data(),
                         numbers_.data(), most, order.data()});
      continue;
    }
    for (std::uint32_t k = 0; k < draw_.count; ++k) {
      const arithmetic::PhiloxBlock key =
          arithmetic::philox(experiment_.seed, block, static_cast<std::uint32_t>(draw_.order), rounds_[k], numbers_[k]);
      const std::uint32_t size = drawn_[k].count(TaskSet::kSupport);
      for (std::uint32_t p = 0; p < size; ++p) {
        order[std::size_t{p} * functions_.lanes + k] = arithmetic::permute(p, size, key);
      }
    }
  }
  return orders_[place].data();
}

DeviceOrder TaskLanes::order_of(std::uint32_t k, std::uint32_t pass) {
  if (keeps_orders()) return {order(pass) + k, functions_.lanes};
  const std::uint32_t size = count(k, TaskSet::kSupport);
  device_order_.resize(size);
  const arithmetic::PhiloxBlock key =
      arithmetic::philox(experiment_.seed, pass, static_cast<std::uint32_t>(draw_.order), rounds_[k], numbers_[k]);
  for (std::uint32_t p = 0; p < size; ++p) device_order_[p] = arithmetic::permute(p, size, key);
  return {device_order_.data(), 1};
}

// ---- filling

void TaskLanes::fill_lanes(TaskSet set, SampleRange range, const std::uint32_t* order, float* inputs, float* targets) {
  if (is_sine_) {
    fill_sine_lanes(range, order, inputs, targets);
    return;
  }
  const std::size_t width = functions_.lanes;
  for (std::uint32_t k = 0; k < draw_.count; ++k) {
    const std::uint32_t samples = drawn_[k].count(set);
    const std::uint32_t end = std::min(samples, range.first + range.count);
    for (std::uint32_t p = range.first; p < end; ++p) {
      const std::uint32_t sample = order != nullptr ? order[p * width + k] : p;
      const float* from = stored(k, set, sample);
      const std::size_t place = p - range.first;
      float* to = inputs + place * input_size_ * width + k;
      for (std::size_t i = 0; i < input_size_; ++i) to[i * width] = from[i] * scale_[i] + offset_[i];
      read_targets(k, set, sample, targets + place * target_size_ * width + k, width);
    }
  }
}

void TaskLanes::fill_sine_lanes(SampleRange range, const std::uint32_t* order, float* inputs, float* targets) const {
  const std::size_t width = functions_.lanes;
  for (std::size_t place = 0; place < range.count; ++place) {
    const std::size_t p = range.first + place;
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t from = (order != nullptr ? order[p * width + k] : p) * width + k;
      inputs[place * width + k] = sine_inputs_.data()[from] * scale_[0] + offset_[0];
      if (target_size_ > 0) targets[place * width + k] = sine_targets_.data()[from];
    }
  }
}

void TaskLanes::fill_device(std::uint32_t k, TaskSet set, SampleRange range, const DeviceOrder& order,
                            std::size_t stride, float* inputs, float* targets) {
  const std::size_t width = functions_.lanes;
  for (std::uint32_t place = 0; place < range.count; ++place) {
    const std::uint32_t p = range.first + place;
    const std::uint32_t sample = order.data != nullptr ? order.data[p * order.stride] : p;
    float* to = inputs + place * stride;
    if (is_sine_) {
      to[0] = sine_inputs_.data()[sample * width + k] * scale_[0] + offset_[0];
      if (target_size_ > 0) targets[place] = sine_targets_.data()[sample * width + k];
      continue;
    }
    const float* from = stored(k, set, sample);
    for (std::size_t i = 0; i < input_size_; ++i) to[i] = from[i] * scale_[i] + offset_[i];
    read_targets(k, set, sample, targets + std::size_t{place} * target_size_, 1);
  }
}

}  // namespace skink::simulations
