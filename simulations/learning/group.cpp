#include "group.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/codec/decoder.hpp"
#include "skink/rounds/clipping.hpp"

namespace skink::simulations {
namespace {

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
  weight = 0;
  longer = 0;
  outliers = 0;
}

void RoundSums::add(const RoundSums& other) {
  for (std::size_t i = 0; i < numbers_.size(); ++i) numbers_[i] += other.numbers_[i];
  updates += other.updates;
  weight += other.weight;
  longer += other.longer;
  outliers += other.outliers;
}

std::int64_t RoundSums::total(std::size_t parameter) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < lanes_; ++k) sum += numbers_[parameter * lanes_ + k];
  return sum;
}

Group::Group(const GroupSettings& settings)
    : settings_(settings),
      target_size_(settings.network->target_size()),
      samples_(*settings.experiment, *settings.network, *settings.tasks, *settings.functions),
      weighs_evenly_(settings.tasks->is_even(TaskUse::kAdapt) ||
                     settings.strategy->aggregation_weight(1) == settings.strategy->aggregation_weight(2)) {
  forget_answers();
  if (takes_plainly()) return;
  change_.resize(settings_.network->parameter_count());
  if (!sends_plainly())
    state_.resize(codec::state_bytes(settings_.codec, settings_.scopes->sent) / sizeof(std::uint32_t));
}

std::uint32_t Group::even_weight() const {
  return settings_.strategy->aggregation_weight(settings_.tasks->most_support(TaskUse::kAdapt));
}

void Group::forget_answers() {
  const TaskScorer scorer(*settings_.experiment, *settings_.network);
  answers_before_ = scorer.confusion();
  answers_after_ = scorer.confusion();
}

bool Group::is_anomaly(std::uint32_t k, std::uint32_t sample) const {
  return !samples_.is_sine() && samples_.task(k).sample(TaskSet::kQuery, sample).label != 0;
}

/// The forecast that nothing changes, for the query set.
rounds::TaskScore Group::score_persistence(const Task& task) const {
  std::vector<float> stored(settings_.network->input_size());
  const auto outputs = static_cast<std::uint32_t>(target_size_);
  const float share = 1.0F / static_cast<float>(outputs);
  rounds::TaskScore score;
  for (std::uint32_t i = 0; i < task.query_count(); ++i) {
    task.read_input(TaskSet::kQuery, i, {stored.data(), stored.size()});
    float squares = 0;
    float absolute = 0;
    for (std::uint32_t o = 0; o < outputs; ++o) {
      const float error = task.persistence(o, {stored.data(), stored.size()}) - task.target(TaskSet::kQuery, i, o);
      squares += error * error;
      absolute += error > 0 ? error : 0 - error;
    }
    score.squared_error += static_cast<double>(squares * share);
    score.absolute_error += static_cast<double>(absolute * share);
  }
  return score;
}

rounds::TaskResult Group::begin_result(std::uint32_t number, std::uint32_t k) const {
  rounds::TaskResult result;
  result.number = number;
  if (!samples_.is_sine()) result.client = samples_.task(k).client();
  result.support_samples = samples_.count(k, TaskSet::kSupport);
  result.query_samples = samples_.count(k, TaskSet::kQuery);
  if (!settings_.experiment->task.persistence.empty()) result.persistence = score_persistence(samples_.task(k));
  return result;
}

// ---- changes that are not taken plainly

/// change_ becomes what the coordinator decodes of w - phi.
Outcome Group::encode_change(const CohortPart& part, std::uint32_t k, const float* phi, const float* w) {
  const codec::Key key{settings_.experiment->seed, part.round, part.devices[k]};
  const nn::Network& network = settings_.scopes->sent;
  std::vector<float>* residual = settings_.residuals != nullptr ? &settings_.residuals->of(key.device) : nullptr;
  codec::Change change;
  change.network = &network;
  change.phi = {const_cast<float*>(phi), &read_phi};
  change.parameters = {w, network.parameter_count()};
  if (residual != nullptr) change.residual = residual->data();
  const MutableBytes state{reinterpret_cast<std::uint8_t*>(state_.data()), state_.size() * sizeof(std::uint32_t)};
  const Status begun = encoder_.begin(settings_.codec, change, key, state);
  if (begun == Status::kNotFinite) return Outcome::kDiverged;
  bytes_.resize(encoder_.size());
  part.encoded_bytes[k] = static_cast<std::uint32_t>(bytes_.size());
  const bool is_sound = begun == Status::kOk && encoder_.read(0, {bytes_.data(), bytes_.size()}) == Status::kOk &&
                        codec::decode(settings_.codec, network, key, {bytes_.data(), bytes_.size()},
                                      {change_.data(), change_.size()}) == Status::kOk;
  if (!is_sound) throw std::runtime_error("a change does not survive its codec");
  return Outcome::kTaken;
}

Outcome Group::add_change(const rounds::Clip& clip, std::uint32_t weight, RoundSums& sums) {
  for (const float number : change_) {
    if (!arithmetic::is_aggregatable(number))
      return arithmetic::is_finite(number) ? Outcome::kTooLarge : Outcome::kDiverged;
  }
  const double squares = clip.bound > 0 ? rounds::add_squares(0, {change_.data(), change_.size()}) : 0;
  const double norm = std::sqrt(squares);
  ++sums.updates;
  sums.longer += static_cast<std::uint32_t>(clip.usual > 0 && norm > clip.usual);
  if (clip.most > 0 && norm > clip.most) {
    ++sums.outliers;
    return Outcome::kTaken;
  }
  const float factor = rounds::clipping_factor(squares, clip.bound);
  for (std::size_t e = 0; e < change_.size(); ++e) {
    sums.add(e, arithmetic::to_fixed_point(change_[e] * factor) * weight);
  }
  sums.weight += weight;
  return Outcome::kTaken;
}

void Group::leave_residual(std::uint32_t device) {
  std::vector<float>& residual = settings_.residuals->of(device);
  if (encoder_.leave({residual.data(), residual.size()}) != Status::kOk) {
    throw std::runtime_error("a residual cannot be computed");
  }
}

Outcome Group::take_change(const CohortPart& part, std::uint32_t k, const MetaParameters& phi, const float* w,
                           RoundSums& sums) {
  Outcome outcome = Outcome::kTaken;
  if (sends_plainly()) {
    for (std::size_t e = 0; e < change_.size(); ++e) change_[e] = w[e] - phi.values[e];
    part.encoded_bytes[k] = static_cast<std::uint32_t>(codec::encoded_bytes(settings_.codec, settings_.scopes->sent));
  } else {
    outcome = encode_change(part, k, phi.values, w);
  }
  if (outcome != Outcome::kTaken) return outcome;
  const std::uint32_t samples = samples_.count(k, TaskSet::kSupport);
  outcome = add_change(phi.clip, weighs_evenly_ ? 1 : settings_.strategy->aggregation_weight(samples), sums);
  if (outcome == Outcome::kTaken && settings_.residuals != nullptr) leave_residual(part.devices[k]);
  return outcome;
}

}  // namespace skink::simulations
