#include <algorithm>
#include <array>

#include "group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::simulations {

NeuronGroup::NeuronGroup(const GroupSettings& settings)
    : Group(settings), device_(*settings.network, *settings.functions) {
  const std::size_t samples = samples_.most_samples();
  inputs_.resize(samples * device_.layout().input_stride());
  std::fill_n(inputs_.data(), inputs_.size(), 0.0F);  // the padding stays
  targets_.resize(samples * target_size_);
  losses_.resize(samples);
  w_.resize(settings_.network->parameter_count());
  sums_.resize(device_.layout().primary_size());
}

void NeuronGroup::load(const MetaParameters& phi) {
  if (loaded_ == phi.rounds_done) return;
  device_.load(phi.values);
  loaded_ = phi.rounds_done;
}

/// All passes of the k-th device over its support set.
void NeuronGroup::run_passes(std::uint32_t k, std::uint32_t count, const rounds::InnerLoop& loop) {
  samples_.read_device(k, TaskSet::kSupport);
  lap(settings_.clock, kSamples);
  for (std::uint32_t p = 0; p < loop.passes; ++p) {
    const std::uint32_t* order = samples_.order(p);
    lap(settings_.clock, kDraw);
    samples_.fill_device(k, TaskSet::kSupport, order, device_.layout().input_stride(), inputs_.data(), targets_.data());
    device_.adapt(inputs_.data(), targets_.data(), count, {loop.inner_learning_rate, loop.pull()}, settings_.clock);
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
    run_passes(k, support_count(), loop);
    if (takes_plainly()) {
      outcomes[k] = device_.take(sums_.data());
      updates_ += outcomes[k] == Outcome::kTaken ? 1U : 0U;
    } else if (device_.has_diverged()) {
      outcomes[k] = Outcome::kDiverged;
    } else {
      device_.read(w_.data());
      const bool is_finite = nn::all_finite({w_.data(), w_.size()});
      outcomes[k] = is_finite ? take_encoded(part, k, phi.values, w_.data(), sums) : Outcome::kDiverged;
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

Outcome NeuronGroup::run_serial(std::uint32_t k, const rounds::InnerLoop& loop, double meta_learning_rate,
                                std::uint32_t weight) {
  run_passes(k, support_count(), loop);
  const Outcome outcome = device_.outcome();
  lap(settings_.clock, kTake);
  if (outcome == Outcome::kTaken) {
    device_.step(meta_learning_rate, weight);
  } else {
    device_.reset();
  }
  lap(settings_.clock, kStep);
  ++loaded_;
  return outcome;
}

// ---- evaluation

/// Losses and right answers over the query set that was filled in.
std::uint64_t NeuronGroup::score(std::uint32_t samples, std::uint32_t& correct) {
  correct = device_.query(inputs_.data(), targets_.data(), samples, losses_.data());
  std::uint64_t sum = 0;
  for (std::uint32_t s = 0; s < samples; ++s) {
    sum += static_cast<std::uint64_t>(arithmetic::loss_to_fixed_point(losses_[s]));
  }
  return sum;
}

void NeuronGroup::evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop,
                           const MetaParameters& phi, wire::Evaluation& total) {
  load(phi);
  const std::size_t stride = device_.layout().input_stride();
  for (std::uint32_t number = first; number < first + count; ++number) {
    samples_.draw({TaskUse::kEvaluate, arithmetic::Purpose::kEvaluationOrder, &number, &phi.rounds_done, 1});
    const std::uint32_t queries = samples_.count(TaskSet::kQuery);
    std::uint32_t correct_before = 0;
    std::uint32_t correct_after = 0;
    samples_.read_device(0, TaskSet::kQuery);
    samples_.fill_device(0, TaskSet::kQuery, nullptr, stride, inputs_.data(), targets_.data());
    const std::uint64_t before = score(queries, correct_before);
    run_passes(0, samples_.count(TaskSet::kSupport), loop);
    device_.read(w_.data());
    const bool diverged = device_.has_diverged() || !nn::all_finite({w_.data(), w_.size()});
    samples_.read_device(0, TaskSet::kQuery);
    samples_.fill_device(0, TaskSet::kQuery, nullptr, stride, inputs_.data(), targets_.data());
    const std::uint64_t after = score(queries, correct_after);
    count_task(before, after, correct_before, correct_after, diverged, total);
    device_.reset();
  }
}

}  // namespace skink::simulations
