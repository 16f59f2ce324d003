#include <algorithm>
#include <array>

#include "group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::simulations {
namespace {

std::uint32_t largest_batch(const Experiment& experiment) {
  const std::uint32_t batch = std::max(experiment.meta.batch_size, experiment.evaluation.batch_size);
  return std::min(batch, nn::kSliceSamples);
}

/// A round for each lane.
std::array<std::uint32_t, kMaxLanes> same(std::uint32_t round) {
  std::array<std::uint32_t, kMaxLanes> rounds{};
  rounds.fill(round);
  return rounds;
}

}  // namespace

DeviceGroup::DeviceGroup(const GroupSettings& settings) : Group(settings) {
  const nn::Network& network = *settings_.network;
  const std::size_t width = settings_.functions->lanes;
  const std::size_t parameters = network.parameter_count();
  const std::size_t samples = samples_.most_at_a_time();
  const std::uint32_t batch = largest_batch(*settings_.experiment);
  parameters_.resize(parameters * width);
  workspace_.resize(batch * network.sample_count() * width);
  const ScopedNetworks& scopes = *settings_.scopes;
  scratch_.resize(
      std::max({scopes.adapting.scratch_count(), scopes.sent.scratch_count(), scopes.evaluating.scratch_count()}) *
      width);
  if (batch > 1 || learns_from(*settings_.experiment) == LearnsFrom::kQuery) gradients_.resize(parameters * width);
  inputs_.resize(samples * network.input_size() * width);
  targets_.resize(samples * target_size_ * width);
  losses_.resize(samples * width);
  outputs_.resize(samples * network.output_size() * width);
  std::fill_n(inputs_.data(), inputs_.size(), 0.0F);  // lanes without a device compute with these
  std::fill_n(targets_.data(), targets_.size(), 0.0F);
  lane_.resize(parameters);
  for (std::size_t k = 0; k < width; ++k) scorers_.emplace_back(*settings_.experiment, network);
}

/// How many of the samples of a range each lane has.
void counts_within(const TaskLanes& samples, TaskSet set, std::uint32_t devices, SampleRange range,
                   std::uint32_t* counts) {
  for (std::uint32_t k = 0; k < kMaxLanes; ++k) {
    const std::uint32_t all = k < devices ? samples.count(k, set) : 0;
    counts[k] = all <= range.first ? 0 : std::min(all - range.first, range.count);
  }
}

/// One pass over the support sets of so many devices, in this order.
/// @param[out] counts  scratch, [kMaxLanes]
/// @returns false when it was given up.
bool DeviceGroup::run_pass(LanePass& pass, std::uint32_t count, const std::uint32_t* order, std::uint32_t* counts) {
  const std::uint32_t most = samples_.most(TaskSet::kSupport);
  for (std::uint32_t first = 0; first < most; first += samples_.most_at_a_time()) {
    if (settings_.give_up->is_wanted()) return false;
    const SampleRange range{first, std::min(samples_.most_at_a_time(), most - first)};
    pass.count = range.count;
    counts_within(samples_, TaskSet::kSupport, count, range, counts);
    samples_.fill_lanes(TaskSet::kSupport, range, order, inputs_.data(), targets_.data());
    settings_.functions->adapt(pass);
  }
  return true;
}

/// What all passes of a round have in common.
LanePass DeviceGroup::pass_of(const nn::Network& network, const rounds::InnerLoop& loop, const float* phi) {
  LanePass pass;
  pass.network = &network;
  pass.parameters = parameters_.data();
  pass.workspace = workspace_.data();
  pass.scratch = scratch_.data();
  pass.gradients = gradients_.data();
  pass.inputs = inputs_.data();
  pass.targets = targets_.data();
  pass.kept = kept_.data();
  pass.kept_gradients = kept_gradients_.data();
  pass.batch_size = loop.batch_size;
  pass.inner_learning_rate = loop.inner_learning_rate;
  pass.phi = phi;
  pass.pull = loop.pull();
  pass.clock = settings_.clock;
  return pass;
}

/// What lanes that end earlier than others need.
void DeviceGroup::keep_room() {
  if (kept_.size() != 0) return;
  kept_.resize(parameters_.size());
  kept_gradients_.resize(gradients_.size());
}

/// @returns bit k: a loss of lane k was not finite.
std::uint32_t DeviceGroup::run_passes(const nn::Network& network, std::uint32_t count, const rounds::InnerLoop& loop,
                                      const float* phi) {
  settings_.functions->spread(phi, settings_.network->parameter_count(), parameters_.data());
  lap(settings_.clock, kCopy);
  samples_.read(TaskSet::kSupport);
  const bool is_even = samples_.is_even(TaskSet::kSupport);
  if (!is_even) keep_room();
  std::uint32_t counts[kMaxLanes];
  LanePass pass = pass_of(network, loop, phi);
  pass.counts = is_even ? nullptr : counts;
  lap(settings_.clock, kSamples);
  for (std::uint32_t p = 0; p < loop.passes; ++p) {
    const std::uint32_t* order = samples_.order(p);
    lap(settings_.clock, kDraw);
    if (!run_pass(pass, count, order, counts)) break;
  }
  return pass.diverged;
}

/// Of a query gradient: after the passes. When it is given up, nothing of what it gives means anything.
/// @returns bit k: lane k had adapted to parameters, or now has a loss, that is not finite.
std::uint32_t DeviceGroup::step_from_phi(std::uint32_t devices, const rounds::InnerLoop& loop, const float* phi) {
  if (settings_.give_up->was_wanted()) return 0;
  std::uint32_t diverged = 0;
  for (std::uint32_t k = 0; k < devices; ++k) diverged |= read_lane(k) ? 0U : 1U << k;
  samples_.read(TaskSet::kQuery);
  const bool is_even = samples_.is_even(TaskSet::kQuery);
  if (!is_even) keep_room();
  std::fill_n(gradients_.data(), gradients_.size(), 0.0F);
  std::uint32_t counts[kMaxLanes];
  LanePass pass = pass_of(settings_.scopes->sent, loop, phi);
  pass.counts = is_even ? nullptr : counts;
  const std::uint32_t most = samples_.most(TaskSet::kQuery);
  for (std::uint32_t first = 0; first < most; first += samples_.most_at_a_time()) {
    if (settings_.give_up->is_wanted()) return 0;
    const SampleRange range{first, std::min(samples_.most_at_a_time(), most - first)};
    pass.count = range.count;
    counts_within(samples_, TaskSet::kQuery, devices, range, counts);
    samples_.fill_lanes(TaskSet::kQuery, range, nullptr, inputs_.data(), targets_.data());
    settings_.functions->query_gradient(pass);
  }
  pass.count = most;
  counts_within(samples_, TaskSet::kQuery, devices, {0, most}, counts);
  settings_.functions->step_from_phi(pass);
  return diverged | pass.diverged;
}

void DeviceGroup::adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi,
                        RoundSums& sums, Outcome* outcomes) {
  const auto rounds = same(part.round);
  samples_.draw({TaskUse::kAdapt, arithmetic::Purpose::kSampleOrder, part.devices, rounds.data(), part.count});
  lap(settings_.clock, kDraw);
  std::uint32_t diverged = run_passes(settings_.scopes->adapting, part.count, loop, phi.values);
  if (loop.change == wire::ChangeKind::kQueryGradient) diverged |= step_from_phi(part.count, loop, phi.values);
  if (settings_.give_up->was_wanted()) return;
  if (takes_plainly()) {
    take_lanes(part.count, diverged, phi.values, sums, outcomes);
    lap(settings_.clock, kTake);
    return;
  }
  for (std::uint32_t k = 0; k < part.count; ++k) {
    const bool is_finite = read_lane(k) && (diverged >> k & 1U) == 0;
    outcomes[k] = is_finite ? take_change(part, k, phi, lane_.data(), sums) : Outcome::kDiverged;
  }
  lap(settings_.clock, kTake);
}

/// Reads the k-th lane's parameters. @returns whether all are finite.
bool DeviceGroup::read_lane(std::uint32_t k) {
  const std::size_t width = settings_.functions->lanes;
  for (std::size_t e = 0; e < lane_.size(); ++e) lane_[e] = parameters_.data()[e * width + k];
  return nn::all_finite({lane_.data(), lane_.size()});
}

/// float32 changes arrive as they are (but for the sign of a zero): all lanes at once.
void DeviceGroup::take_lanes(std::uint32_t count, std::uint32_t diverged, const float* phi, RoundSums& sums,
                             Outcome* outcomes) {
  LaneTake take;
  take.count = settings_.network->parameter_count();
  take.parameters = parameters_.data();
  take.phi = phi;
  take.wanted = ((1U << count) - 1U) & ~diverged;
  take.sums = sums.rows();
  settings_.functions->take(take);
  diverged |= take.not_finite;
  for (std::uint32_t k = 0; k < count; ++k) {
    const bool is_too_large = (take.too_large >> k & 1U) != 0;
    const bool has_diverged = (diverged >> k & 1U) != 0;
    outcomes[k] = has_diverged ? Outcome::kDiverged : is_too_large ? Outcome::kTooLarge : Outcome::kTaken;
    sums.updates += outcomes[k] == Outcome::kTaken ? 1U : 0U;
  }
}

// ---- evaluation

/// Gives the scorers the answers to some samples, which have just been computed.
void DeviceGroup::add_answers(std::uint32_t count, SampleRange range, const std::uint32_t* counts) {
  const std::size_t width = settings_.functions->lanes;
  const std::size_t outputs = settings_.network->output_size();
  for (std::uint32_t k = 0; k < count; ++k) {
    for (std::size_t s = 0; s < counts[k]; ++s) {
      Answer answer;
      answer.loss = losses_.data()[s * width + k];
      answer.outputs = outputs_.data() + s * outputs * width + k;
      answer.targets = targets_.data() + s * target_size_ * width + k;
      answer.stride = width;
      answer.is_anomaly = is_anomaly(k, range.first + static_cast<std::uint32_t>(s));
      scorers_[k].add(answer);
    }
  }
}

/// The query sets that were drawn, with the parameters as they are now.
void DeviceGroup::score(std::uint32_t count) {
  samples_.read(TaskSet::kQuery);
  for (std::uint32_t k = 0; k < count; ++k) scorers_[k].begin();
  const std::uint32_t most = samples_.most(TaskSet::kQuery);
  std::uint32_t counts[kMaxLanes];
  LaneQuery query;
  query.network = settings_.network;
  query.parameters = parameters_.data();
  query.workspace = workspace_.data();
  query.inputs = inputs_.data();
  query.targets = targets_.data();
  query.losses = losses_.data();
  query.outputs = outputs_.data();
  for (std::uint32_t first = 0; first < most && !settings_.give_up->is_wanted(); first += samples_.most_at_a_time()) {
    const SampleRange range{first, std::min(samples_.most_at_a_time(), most - first)};
    query.count = range.count;
    counts_within(samples_, TaskSet::kQuery, count, range, counts);
    samples_.fill_lanes(TaskSet::kQuery, range, nullptr, inputs_.data(), targets_.data());
    settings_.functions->query(query);
    add_answers(count, range, counts);
  }
}

void DeviceGroup::evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop,
                           const MetaParameters& phi, rounds::TaskResult* results) {
  std::uint32_t numbers[kMaxLanes];
  for (std::uint32_t k = 0; k < count; ++k) numbers[k] = first + k;
  const auto rounds = same(0);
  samples_.draw({TaskUse::kEvaluate, arithmetic::Purpose::kEvaluationOrder, numbers, rounds.data(), count});
  settings_.functions->spread(phi.values, settings_.network->parameter_count(), parameters_.data());
  score(count);
  for (std::uint32_t k = 0; k < count; ++k) {
    results[k] = begin_result(numbers[k], k);
    results[k].before = scorers_[k].score();
    scorers_[k].count(answers_before_);
  }
  std::uint32_t diverged = run_passes(settings_.scopes->evaluating, count, loop, phi.values);
  if (settings_.give_up->was_wanted()) return;
  for (std::uint32_t k = 0; k < count; ++k) diverged |= read_lane(k) ? 0U : 1U << k;
  score(count);
  for (std::uint32_t k = 0; k < count; ++k) {
    results[k].diverged = (diverged >> k & 1U) != 0;
    if (results[k].diverged) continue;
    results[k].after = scorers_[k].score();
    scorers_[k].count(answers_after_);
  }
}

}  // namespace skink::simulations
