#include <algorithm>
#include <array>

#include "group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::simulations {

NeuronGroup::NeuronGroup(const GroupSettings& settings)
    : Group(settings),
      device_(settings.scopes->adapting, *settings.functions),
      scorer_(*settings.experiment, *settings.network) {
  const std::size_t samples = samples_.most_at_a_time();
  inputs_.resize(samples * device_.layout().input_stride());
  std::fill_n(inputs_.data(), inputs_.size(), 0.0F);  // the padding stays
  targets_.resize(samples * target_size_);
  losses_.resize(samples);
  outputs_.resize(samples * settings_.network->output_size());
  w_.resize(settings_.network->parameter_count());
  sums_.resize(device_.layout().primary_size());
}

void NeuronGroup::load(const MetaParameters& phi) {
  if (loaded_ == phi.rounds_done) return;
  device_.load(phi.values);
  loaded_ = phi.rounds_done;
}

/// All passes of the k-th device over its support set.
void NeuronGroup::run_passes(std::uint32_t k, const rounds::InnerLoop& loop) {
  samples_.read_device(k, TaskSet::kSupport);
  lap(settings_.clock, kSamples);
  const std::uint32_t count = samples_.count(k, TaskSet::kSupport);
  for (std::uint32_t p = 0; p < loop.passes; ++p) {
    const DeviceOrder order = samples_.order_of(k, p);
    lap(settings_.clock, kDraw);
    for (std::uint32_t first = 0; first < count; first += samples_.most_at_a_time()) {
      if (settings_.give_up->is_wanted()) return;
      const SampleRange range{first, std::min(samples_.most_at_a_time(), count - first)};
      samples_.fill_device(k, TaskSet::kSupport, range, order, device_.layout().input_stride(), inputs_.data(),
                           targets_.data());
      device_.adapt(inputs_.data(), targets_.data(), range.count,
                    {loop.inner_learning_rate, loop.batch_size, loop.pull()}, settings_.clock);
    }
  }
}

void NeuronGroup::adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi,
                        RoundSums& sums, Outcome* outcomes) {
  load(phi);
  lap(settings_.clock, kCopy);
  std::array<std::uint32_t, kMaxLanes> rounds{};
  rounds.fill(part.round);
  samples_.draw({TaskUse::kAdapt, arithmetic::Purpose::kSampleOrder, part.devices, rounds.data(), part.count});
  lap(settings_.clock, kDraw);
  for (std::uint32_t k = 0; k < part.count; ++k) {
    run_passes(k, loop);
    if (settings_.give_up->was_wanted()) return;
    if (takes_plainly()) {
      outcomes[k] = device_.take(sums_.data());
      updates_ += outcomes[k] == Outcome::kTaken ? 1U : 0U;
    } else if (device_.has_diverged()) {
      outcomes[k] = Outcome::kDiverged;
    } else {
      device_.read(w_.data());
      const bool is_finite = nn::all_finite({w_.data(), w_.size()});
      outcomes[k] = is_finite ? take_change(part, k, phi, w_.data(), sums) : Outcome::kDiverged;
    }
    lap(settings_.clock, kTake);
    device_.reset();
    lap(settings_.clock, kCopy);
  }
}

void NeuronGroup::finish(RoundSums& sums) {
  if (updates_ == 0) return;
  const std::vector<std::uint32_t>& places = device_.layout().places();
  for (std::size_t e = 0; e < places.size(); ++e) sums.add(e, sums_[places[e]]);
  sums.updates += updates_;
  updates_ = 0;
  std::fill(sums_.begin(), sums_.end(), 0);
}

// ---- strictly serial rounds

void NeuronGroup::begin_serial(const CohortOfRounds& ahead, const MetaParameters& phi) {
  load(phi);
  lap(settings_.clock, kCopy);
  samples_.draw({TaskUse::kAdapt, arithmetic::Purpose::kSampleOrder, ahead.devices, ahead.rounds, ahead.count});
  lap(settings_.clock, kDraw);
}

Outcome NeuronGroup::run_serial(std::uint32_t k, const rounds::InnerLoop& loop, double meta_learning_rate) {
  run_passes(k, loop);
  if (settings_.give_up->was_wanted()) {
    device_.reset();
    return Outcome::kDiverged;
  }
  const Outcome outcome = device_.outcome();
  lap(settings_.clock, kTake);
  if (outcome == Outcome::kTaken) {
    device_.step(meta_learning_rate, settings_.strategy->aggregation_weight(samples_.count(k, TaskSet::kSupport)));
  } else {
    device_.reset();
  }
  lap(settings_.clock, kStep);
  ++loaded_;
  return outcome;
}

// ---- evaluation

/// The query set that was drawn, with the parameters as they are now.
void NeuronGroup::score() {
  samples_.read_device(0, TaskSet::kQuery);
  scorer_.begin();
  const std::uint32_t count = samples_.count(0, TaskSet::kQuery);
  const std::size_t outputs = settings_.network->output_size();
  for (std::uint32_t first = 0; first < count && !settings_.give_up->is_wanted(); first += samples_.most_at_a_time()) {
    const SampleRange range{first, std::min(samples_.most_at_a_time(), count - first)};
    samples_.fill_device(0, TaskSet::kQuery, range, {}, device_.layout().input_stride(), inputs_.data(),
                         targets_.data());
    device_.query(inputs_.data(), targets_.data(), range.count, losses_.data(), outputs_.data());
    for (std::uint32_t s = 0; s < range.count; ++s) {
      scorer_.add(
          {losses_[s], outputs_.data() + s * outputs, targets_.data() + s * target_size_, 1, is_anomaly(0, first + s)});
    }
  }
}

void NeuronGroup::evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop,
                           const MetaParameters& phi, rounds::TaskResult* results) {
  load(phi);
  constexpr std::uint32_t kAnyRound = 0;
  for (std::uint32_t k = 0; k < count; ++k) {
    const std::uint32_t number = first + k;
    samples_.draw({TaskUse::kEvaluate, arithmetic::Purpose::kEvaluationOrder, &number, &kAnyRound, 1});
    rounds::TaskResult& result = results[k];
    result = begin_result(number, 0);
    score();
    result.before = scorer_.score();
    scorer_.count(answers_before_);
    run_passes(0, loop);
    if (settings_.give_up->was_wanted()) return;
    device_.read(w_.data());
    result.diverged = device_.has_diverged() || !nn::all_finite({w_.data(), w_.size()});
    if (!result.diverged) {
      score();
      result.after = scorer_.score();
      scorer_.count(answers_after_);
    }
    device_.reset();
  }
}

}  // namespace skink::simulations
