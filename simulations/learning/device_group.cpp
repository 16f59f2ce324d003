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

bool learns_from_query(const Experiment& experiment) {
  return traits_of(experiment.meta.strategy).learning == Learning::kFromQuery;
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
  const std::size_t samples = samples_.most_samples();
  const std::uint32_t batch = largest_batch(*settings_.experiment);
  parameters_.resize(parameters * width);
  workspace_.resize(batch * network.sample_count() * width);
  scratch_.resize(network.scratch_count() * width);
  if (batch > 1 || learns_from_query(*settings_.experiment)) gradients_.resize(parameters * width);
  inputs_.resize(samples * network.input_size() * width);
  targets_.resize(samples * target_size_ * width);
  losses_.resize(samples * width);
  std::fill_n(inputs_.data(), inputs_.size(), 0.0F);  // lanes without a device compute with these
  std::fill_n(targets_.data(), targets_.size(), 0.0F);
  lane_.resize(parameters);
}

/// What all passes of a round have in common.
LanePass DeviceGroup::pass_of(const rounds::InnerLoop& loop, const float* phi) {
  LanePass pass;
  pass.network = settings_.network;
  pass.parameters = parameters_.data();
  pass.workspace = workspace_.data();
  pass.scratch = scratch_.data();
  pass.gradients = gradients_.data();
  pass.inputs = inputs_.data();
  pass.targets = targets_.data();
  pass.batch_size = loop.batch_size;
  pass.inner_learning_rate = loop.inner_learning_rate;
  pass.phi = phi;
  pass.pull = loop.pull();
  pass.clock = settings_.clock;
  return pass;
}

/// @returns bit k: a loss of lane k was not finite.
std::uint32_t DeviceGroup::run_passes(std::uint32_t count, const rounds::InnerLoop& loop, const float* phi) {
  settings_.functions->spread(phi, settings_.network->parameter_count(), parameters_.data());
  lap(settings_.clock, kCopy);
  samples_.read(TaskSet::kSupport);
  LanePass pass = pass_of(loop, phi);
  pass.count = count;
  lap(settings_.clock, kSamples);
  for (std::uint32_t p = 0; p < loop.passes; ++p) {
    const std::uint32_t* order = samples_.order(p);
    lap(settings_.clock, kDraw);
    samples_.fill_lanes(TaskSet::kSupport, order, inputs_.data(), targets_.data());
    settings_.functions->adapt(pass);
  }
  return pass.diverged;
}

/// Of a query gradient: after the passes. @returns bit k: lane k had adapted to parameters, or now has a loss, that is
/// not finite.
std::uint32_t DeviceGroup::step_from_phi(std::uint32_t devices, const rounds::InnerLoop& loop, const float* phi) {
  std::uint32_t diverged = 0;
  for (std::uint32_t k = 0; k < devices; ++k) diverged |= read_lane(k) ? 0U : 1U << k;
  samples_.read(TaskSet::kQuery);
  samples_.fill_lanes(TaskSet::kQuery, nullptr, inputs_.data(), targets_.data());
  LanePass pass = pass_of(loop, phi);
  pass.count = samples_.count(TaskSet::kQuery);
  settings_.functions->query_gradient(pass);
  return diverged | pass.diverged;
}

void DeviceGroup::adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi,
                        RoundSums& sums, Outcome* outcomes) {
  const auto rounds = same(part.round);
  samples_.draw({TaskUse::kAdapt, arithmetic::Purpose::kSampleOrder, part.devices, rounds.data(), part.count});
  lap(settings_.clock, kDraw);
  std::uint32_t diverged = run_passes(support_count(), loop, phi.values);
  if (loop.change == wire::ChangeKind::kQueryGradient) diverged |= step_from_phi(part.count, loop, phi.values);
  if (takes_plainly()) {
    take_lanes(part.count, diverged, phi.values, sums, outcomes);
    lap(settings_.clock, kTake);
    return;
  }
  for (std::uint32_t k = 0; k < part.count; ++k) {
    const bool is_finite = read_lane(k) && (diverged >> k & 1U) == 0;
    outcomes[k] = is_finite ? take_encoded(part, k, phi.values, lane_.data(), sums) : Outcome::kDiverged;
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

/// Losses and right answers over the query sets that were drawn, device by device.
void DeviceGroup::score(std::uint32_t count, std::uint32_t samples, Scores& scores) {
  samples_.read(TaskSet::kQuery);
  samples_.fill_lanes(TaskSet::kQuery, nullptr, inputs_.data(), targets_.data());
  LaneQuery query;
  query.network = settings_.network;
  query.parameters = parameters_.data();
  query.workspace = workspace_.data();
  query.inputs = inputs_.data();
  query.targets = targets_.data();
  query.count = samples;
  query.losses = losses_.data();
  query.correct = scores.correct;
  settings_.functions->query(query);
  const std::size_t width = settings_.functions->lanes;
  for (std::uint32_t k = 0; k < count; ++k) {
    for (std::size_t s = 0; s < samples; ++s) {
      scores.loss[k] += static_cast<std::uint64_t>(arithmetic::loss_to_fixed_point(losses_.data()[s * width + k]));
    }
  }
}

void DeviceGroup::evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop,
                           const MetaParameters& phi, wire::Evaluation& total) {
  std::uint32_t numbers[kMaxLanes];
  for (std::uint32_t k = 0; k < count; ++k) numbers[k] = first + k;
  const auto rounds = same(phi.rounds_done);
  samples_.draw({TaskUse::kEvaluate, arithmetic::Purpose::kEvaluationOrder, numbers, rounds.data(), count});
  const std::uint32_t query_count = settings_.tasks->query_count(TaskUse::kEvaluate);
  settings_.functions->spread(phi.values, settings_.network->parameter_count(), parameters_.data());
  Scores before;
  score(count, query_count, before);
  std::uint32_t diverged = run_passes(settings_.tasks->support_count(TaskUse::kEvaluate), loop, phi.values);
  for (std::uint32_t k = 0; k < count; ++k) diverged |= read_lane(k) ? 0U : 1U << k;
  Scores after;
  score(count, query_count, after);
  for (std::uint32_t k = 0; k < count; ++k) {
    count_task(before.loss[k], after.loss[k], before.correct[k], after.correct[k], (diverged >> k & 1U) != 0, total);
  }
}

}  // namespace skink::simulations
