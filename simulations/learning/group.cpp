#include "group.hpp"

#include <algorithm>
#include <stdexcept>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint64_t kDivergedLoss = std::uint64_t{1} << 40;  // 2^20 in units of 2^-20

std::uint32_t largest_batch(const Experiment& experiment) {
  const std::uint32_t batch = std::max(experiment.meta.batch_size, experiment.evaluation.batch_size);
  return std::min(batch, nn::kSliceSamples);
}

/// phi for an encoder, read from memory.
Status read_phi(void* context, std::size_t first, Span<float> out) {
  const float* phi = static_cast<const float*>(context);
  std::copy_n(phi + first, out.size(), out.begin());
  return Status::kOk;
}

}  // namespace

void RoundSums::reset() {
  std::fill(numbers_.begin(), numbers_.end(), 0);
  updates = 0;
}

void RoundSums::add(const RoundSums& other) {
  for (std::size_t i = 0; i < numbers_.size(); ++i) numbers_[i] += other.numbers_[i];
  updates += other.updates;
}

std::int64_t RoundSums::total(std::size_t parameter) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < lanes_; ++k) sum += numbers_[parameter * lanes_ + k];
  return sum;
}

Group::Group(const GroupSettings& settings) : settings_(settings) {
  const nn::Network& network = *settings_.network;
  const Experiment& experiment = *settings_.experiment;
  const std::size_t width = lanes();
  const std::size_t parameters = network.parameter_count();
  target_size_ = network.loss() == nn::Loss::kSoftmaxCrossEntropy ? 1 : network.output_size();
  std::size_t samples = std::max(settings_.tasks->support_count(TaskUse::kAdapt), std::uint32_t{1});
  if (settings_.tasks->can_draw(TaskUse::kEvaluate)) {
    samples = std::max<std::size_t>({samples, settings_.tasks->support_count(TaskUse::kEvaluate),
                                     settings_.tasks->query_count(TaskUse::kEvaluate)});
  }
  parameters_.resize(parameters * width);
  workspace_.resize(largest_batch(experiment) * network.sample_count() * width);
  scratch_.resize(network.scratch_count() * width);
  if (largest_batch(experiment) > 1) gradients_.resize(parameters * width);
  inputs_.resize(samples * network.input_size() * width);
  targets_.resize(samples * target_size_ * width);
  losses_.resize(samples * width);
  numbers_.resize(width);
  order_.resize(samples * width);
  if (experiment.task.source == TaskSource::kSine) {
    sine_inputs_.resize(samples * width);
    sine_targets_.resize(samples * width);
  } else {
    stored_.resize(width * samples * network.input_size());
    wanted_.resize(width * samples);
  }
  std::fill_n(inputs_.data(), inputs_.size(), 0.0F);  // lanes without a device compute with these
  std::fill_n(targets_.data(), targets_.size(), 0.0F);
  if (settings_.codec != codec::Codec::kFloat32) {
    lane_.resize(parameters);
    change_.resize(parameters);
    bytes_.resize(codec::encoded_bytes(settings_.codec, network));
  }
}

// ---- samples --------------------------------------------------------------------------------------------------------

void Group::draw(const Draw& draw) {
  for (std::uint32_t k = 0; k < lanes(); ++k) numbers_[k] = k < draw.count ? draw.numbers[k] : 0;
  if (settings_.experiment->task.source == TaskSource::kSine) return;  // a few numbers: drawn as they are read
  drawn_.clear();
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    drawn_.push_back(settings_.tasks->draw({settings_.experiment->seed, draw.round, draw.numbers[k], draw.use}));
  }
}

void Group::read(const Draw& draw, bool query) {
  const TaskConfig& task = settings_.experiment->task;
  if (task.source == TaskSource::kSine) {
    const bool adapts = draw.use == TaskUse::kAdapt;
    const auto purpose = [](arithmetic::Purpose of) { return static_cast<std::uint32_t>(of); };
    LaneSines sines;
    sines.seed = settings_.experiment->seed;
    sines.task_purpose = purpose(adapts ? arithmetic::Purpose::kTask : arithmetic::Purpose::kEvaluationTask);
    sines.sample_purpose = purpose(adapts ? arithmetic::Purpose::kSample : arithmetic::Purpose::kEvaluationSample);
    sines.round = adapts && task.fresh == TaskFreshness::kDevice ? 0 : draw.round;
    sines.numbers = numbers_.data();
    sines.amplitude_min = task.amplitude_min;
    sines.amplitude_max = task.amplitude_max;
    sines.phase_min = task.phase_min;
    sines.phase_max = task.phase_max;
    sines.input_min = task.input_min;
    sines.input_max = task.input_max;
    sines.query = query;
    sines.count = query ? settings_.tasks->query_count(draw.use) : settings_.tasks->support_count(draw.use);
    sines.inputs = sine_inputs_.data();
    sines.targets = sine_targets_.data();
    settings_.functions->sines(sines);
    return;
  }
  const std::size_t inputs = settings_.network->input_size();
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    const std::size_t samples = drawn_[k].count(query);
    drawn_[k].read_set(query, {stored_.data() + k * samples * inputs, samples * inputs},
                       {wanted_.data() + k * samples, samples});
  }
}

void Group::find_order(const Draw& draw, std::uint32_t pass, std::uint32_t samples) {
  settings_.functions->orders({settings_.experiment->seed, pass, static_cast<std::uint32_t>(draw.order), draw.round,
                               numbers_.data(), samples, order_.data()});
}

/// Writes the samples that were read into the lanes, normalised, in the order that was found; or as they are.
void Group::arrange(const Draw& draw, std::uint32_t samples, bool in_order) {
  if (settings_.experiment->task.source == TaskSource::kSine) {
    arrange_sines(samples, in_order);
    return;
  }
  const std::size_t width = lanes();
  const std::size_t inputs = settings_.network->input_size();
  const float scale = settings_.experiment->model.input_scale;
  const float offset = settings_.experiment->model.input_offset;
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    const float* stored = stored_.data() + std::size_t{k} * samples * inputs;
    const float* wanted = wanted_.data() + std::size_t{k} * samples;
    for (std::size_t p = 0; p < samples; ++p) {
      const std::size_t sample = in_order ? order_[p * width + k] : p;
      const float* from = stored + sample * inputs;
      float* to = inputs_.data() + p * inputs * width + k;
      for (std::size_t i = 0; i < inputs; ++i) to[i * width] = from[i] * scale + offset;
      float* target = targets_.data() + p * target_size_ * width + k;
      for (std::size_t o = 0; o < target_size_; ++o) target[o * width] = wanted[sample];
    }
  }
}

void Group::arrange_sines(std::uint32_t samples, bool in_order) {
  const std::size_t width = lanes();
  const float scale = settings_.experiment->model.input_scale;
  const float offset = settings_.experiment->model.input_offset;
  for (std::size_t p = 0; p < samples; ++p) {
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t from = (in_order ? order_[p * width + k] : p) * width + k;
      inputs_.data()[p * width + k] = sine_inputs_.data()[from] * scale + offset;
      targets_.data()[p * width + k] = sine_targets_.data()[from];
    }
  }
}

// ---- adaptation -----------------------------------------------------------------------------------------------------

/// @returns bit k: a loss of lane k was not finite.
std::uint32_t Group::run_passes(const Draw& draw, const coordinator::InnerLoop& loop, const float* phi) {
  settings_.functions->spread(phi, settings_.network->parameter_count(), parameters_.data());
  read(draw, false);
  LanePass pass;
  pass.network = settings_.network;
  pass.parameters = parameters_.data();
  pass.workspace = workspace_.data();
  pass.scratch = scratch_.data();
  pass.gradients = gradients_.data();
  pass.inputs = inputs_.data();
  pass.targets = targets_.data();
  pass.count = settings_.tasks->support_count(draw.use);
  pass.batch_size = loop.batch_size;
  pass.inner_learning_rate = loop.inner_learning_rate;
  for (std::uint32_t p = 0; p < loop.passes; ++p) {
    find_order(draw, p, pass.count);
    arrange(draw, pass.count, true);
    settings_.functions->adapt(pass);
  }
  return pass.diverged;
}

void Group::adapt(const CohortPart& part, const coordinator::InnerLoop& loop, const float* phi, RoundSums& sums,
                  Outcome* outcomes) {
  const Draw of_round{TaskUse::kAdapt, arithmetic::Purpose::kSampleOrder, part.devices, part.count, part.round};
  draw(of_round);
  const std::uint32_t diverged = run_passes(of_round, loop, phi);
  if (settings_.codec == codec::Codec::kFloat32) {
    take_lanes(of_round, diverged, phi, sums, outcomes);
    return;
  }
  const std::size_t width = lanes();
  for (std::uint32_t k = 0; k < part.count; ++k) {
    for (std::size_t e = 0; e < lane_.size(); ++e) lane_[e] = parameters_.data()[e * width + k];
    const bool is_finite = (diverged >> k & 1U) == 0 && nn::all_finite({lane_.data(), lane_.size()});
    outcomes[k] = is_finite ? take_encoded({settings_.experiment->seed, part.round, part.devices[k]}, phi, sums)
                            : Outcome::kDiverged;
  }
}

/// float32 changes arrive as they are (but for the sign of a zero): all lanes at once.
void Group::take_lanes(const Draw& draw, std::uint32_t diverged, const float* phi, RoundSums& sums, Outcome* outcomes) {
  LaneTake take;
  take.count = settings_.network->parameter_count();
  take.parameters = parameters_.data();
  take.phi = phi;
  take.wanted = ((1U << draw.count) - 1U) & ~diverged;
  take.sums = sums.rows();
  settings_.functions->take(take);
  diverged |= take.not_finite;
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    const bool is_too_large = (take.too_large >> k & 1U) != 0;
    const bool has_diverged = (diverged >> k & 1U) != 0;
    outcomes[k] = has_diverged ? Outcome::kDiverged : is_too_large ? Outcome::kTooLarge : Outcome::kTaken;
    sums.updates += outcomes[k] == Outcome::kTaken ? 1U : 0U;
  }
}

/// Any codec: what a device sends, as the coordinator reads it.
Outcome Group::take_encoded(const codec::QuantizerKey& key, const float* phi, RoundSums& sums) {
  codec::Encoder encoder;
  const codec::ParameterSource source{const_cast<float*>(phi), &read_phi};
  const nn::Network& network = *settings_.network;
  const Status begun = encoder.begin(settings_.codec, network, source, {lane_.data(), lane_.size()}, key);
  if (begun == Status::kNotFinite) return Outcome::kDiverged;
  const bool is_sound = begun == Status::kOk && encoder.size() == bytes_.size() &&
                        encoder.read(0, {bytes_.data(), bytes_.size()}) == Status::kOk &&
                        codec::decode(settings_.codec, network, {bytes_.data(), bytes_.size()},
                                      {change_.data(), change_.size()}) == Status::kOk;
  if (!is_sound) throw std::runtime_error("a change does not survive its codec");
  for (const float change : change_) {
    if (!arithmetic::is_aggregatable(change)) return Outcome::kTooLarge;
  }
  for (std::size_t e = 0; e < change_.size(); ++e) sums.add(e, arithmetic::to_fixed_point(change_[e]));
  ++sums.updates;
  return Outcome::kTaken;
}

// ---- evaluation -----------------------------------------------------------------------------------------------------

/// Adds up losses and right answers over the query sets, lanes of `skipped` left out.
void Group::run_query(const Draw& draw, std::uint32_t skipped, std::uint64_t& loss, std::uint32_t& correct) {
  read(draw, true);
  const std::uint32_t samples = settings_.tasks->query_count(draw.use);
  arrange(draw, samples, false);
  std::uint32_t right[kMaxLanes] = {};
  LaneQuery query;
  query.network = settings_.network;
  query.parameters = parameters_.data();
  query.workspace = workspace_.data();
  query.inputs = inputs_.data();
  query.targets = targets_.data();
  query.count = samples;
  query.losses = losses_.data();
  query.correct = right;
  settings_.functions->query(query);
  for (std::uint32_t k = 0; k < draw.count; ++k) {
    if ((skipped >> k & 1U) != 0) continue;
    correct += right[k];
    for (std::uint32_t s = 0; s < samples; ++s) {
      loss += static_cast<std::uint64_t>(arithmetic::loss_to_fixed_point(losses_.data()[s * lanes() + k]));
    }
  }
}

void Group::evaluate(std::uint32_t first, std::uint32_t count, std::uint32_t round, const coordinator::InnerLoop& loop,
                     const float* phi, wire::Evaluation& total) {
  std::uint32_t numbers[kMaxLanes];
  for (std::uint32_t k = 0; k < count; ++k) numbers[k] = first + k;
  const Draw of_tasks{TaskUse::kEvaluate, arithmetic::Purpose::kEvaluationOrder, numbers, count, round};
  draw(of_tasks);
  const std::size_t width = lanes();
  settings_.functions->spread(phi, settings_.network->parameter_count(), parameters_.data());
  std::uint64_t loss_before = 0;
  std::uint64_t loss_after = 0;
  std::uint32_t correct_before = 0;
  std::uint32_t correct_after = 0;
  run_query(of_tasks, 0, loss_before, correct_before);
  std::uint32_t diverged = run_passes(of_tasks, loop, phi);
  for (std::uint32_t k = 0; k < count; ++k) {
    for (std::size_t e = 0; e < settings_.network->parameter_count(); ++e) {
      if (!arithmetic::is_finite(parameters_.data()[e * width + k])) diverged |= 1U << k;
    }
  }
  run_query(of_tasks, diverged, loss_after, correct_after);
  const std::uint32_t samples = settings_.tasks->query_count(TaskUse::kEvaluate);
  for (std::uint32_t k = 0; k < count; ++k) {
    if ((diverged >> k & 1U) == 0) continue;
    ++total.diverged_tasks;
    loss_after += kDivergedLoss * samples;
  }
  total.tasks += count;
  total.query_samples += count * samples;
  total.loss_before += loss_before;
  total.loss_after += loss_after;
  total.correct_before += correct_before;
  total.correct_after += correct_after;
}

}  // namespace skink::simulations
