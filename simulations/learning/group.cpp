#include "group.hpp"

#include <algorithm>
#include <stdexcept>

#include "neuron_plain.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/codec/decoder.hpp"
#include "skink/rounds/clipping.hpp"
#include "skink/rounds/evaluation_sums.hpp"

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

Group::Group(const GroupSettings& settings)
    : settings_(settings),
      target_size_(target_size(*settings.network)),
      samples_(*settings.experiment, *settings.network, *settings.tasks, *settings.functions) {
  if (takes_plainly()) return;
  change_.resize(settings_.network->parameter_count());
  state_.resize(codec::state_bytes(settings_.codec, *settings_.network) / sizeof(std::uint32_t));
}

Outcome Group::take_encoded(const CohortPart& part, std::uint32_t k, const float* phi, const float* w,
                            RoundSums& sums) {
  const codec::Key key{settings_.experiment->seed, part.round, part.devices[k]};
  const nn::Network& network = *settings_.network;
  std::vector<float>* residual = settings_.residuals != nullptr ? &settings_.residuals->of(key.device) : nullptr;
  codec::Change change;
  change.network = &network;
  change.phi = {const_cast<float*>(phi), &read_phi};
  change.parameters = {w, network.parameter_count()};
  if (residual != nullptr) change.residual = residual->data();
  codec::Encoder encoder;
  const MutableBytes state{reinterpret_cast<std::uint8_t*>(state_.data()), state_.size() * sizeof(std::uint32_t)};
  const Status begun = encoder.begin(settings_.codec, change, key, state);
  if (begun == Status::kNotFinite) return Outcome::kDiverged;
  bytes_.resize(encoder.size());
  part.encoded_bytes[k] = static_cast<std::uint32_t>(bytes_.size());
  const bool is_sound = begun == Status::kOk && encoder.read(0, {bytes_.data(), bytes_.size()}) == Status::kOk &&
                        codec::decode(settings_.codec, network, key, {bytes_.data(), bytes_.size()},
                                      {change_.data(), change_.size()}) == Status::kOk;
  if (!is_sound) throw std::runtime_error("a change does not survive its codec");
  for (const float number : change_) {
    if (!arithmetic::is_aggregatable(number)) return Outcome::kTooLarge;
  }
  const float factor = rounds::clipping_factor({change_.data(), change_.size()}, settings_.experiment->meta.clip_norm);
  for (std::size_t e = 0; e < change_.size(); ++e) {
    sums.add(e, arithmetic::to_fixed_point(change_[e] * factor));
  }
  ++sums.updates;
  if (residual != nullptr && encoder.leave({residual->data(), residual->size()}) != Status::kOk) {
    throw std::runtime_error("a residual cannot be computed");
  }
  return Outcome::kTaken;
}

void Group::count_task(std::uint64_t loss_before, std::uint64_t loss_after, std::uint32_t correct_before,
                       std::uint32_t correct_after, bool diverged, wire::Evaluation& total) const {
  const std::uint32_t samples = settings_.tasks->query_count(TaskUse::kEvaluate);
  wire::Evaluation task{};
  task.tasks = 1;
  task.query_samples = samples;
  task.loss_before = loss_before;
  task.correct_before = correct_before;
  task.loss_after = diverged ? arithmetic::largest_loss_sum(samples) : loss_after;
  task.correct_after = diverged ? 0 : correct_after;
  task.diverged_tasks = diverged ? 1U : 0U;
  rounds::add(task, total);
}

}  // namespace skink::simulations
