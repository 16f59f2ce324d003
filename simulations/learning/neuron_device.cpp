#include "neuron_device.hpp"

#include <algorithm>

namespace skink::simulations {
namespace {

Outcome outcome_of(std::uint32_t verdict) {
  return verdict == 0 ? Outcome::kTaken : verdict == 1 ? Outcome::kDiverged : Outcome::kTooLarge;
}

}  // namespace

NeuronDevice::NeuronDevice(const nn::Network& network, const LaneFunctions& functions)
    : layout_(network, functions.lanes), functions_(functions) {
  phi_.resize(layout_.image_size());
  w_.resize(layout_.image_size());
  workspace_.resize(layout_.workspace_size());
  std::fill_n(workspace_.data(), workspace_.size(), 0.0F);
  scratch_.resize(layout_.scratch_size());
  places_.resize(layout_.input_stride() + functions.lanes);
  touched_.resize(layout_.input_stride() / functions.lanes, 0);
  rows_.reserve(network.input_size());
}

void NeuronDevice::load(const float* phi) {
  layout_.load(phi, phi_.data());
  std::copy_n(phi_.data(), phi_.size(), w_.data());
  forget();
}

void NeuronDevice::store(float* phi) const { layout_.store(phi_.data(), phi); }

void NeuronDevice::adapt(const float* inputs, const float* targets, std::uint32_t count, const NeuronStep& step,
                         StageClock* clock) {
  if (step.batch_size > 1 && gradients_.size() == 0) {
    gradients_.resize(layout_.image_size());
    std::fill_n(gradients_.data(), gradients_.size(), 0.0F);
  }
  NeuronPass pass;
  pass.layout = &layout_;
  pass.image = w_.data();
  pass.workspace = workspace_.data();
  pass.scratch = scratch_.data();
  pass.places = places_.data();
  pass.inputs = inputs;
  pass.targets = targets;
  pass.count = count;
  pass.batch_size = step.batch_size;
  pass.gradients = gradients_.data();
  pass.inner_learning_rate = step.inner_learning_rate;
  pass.phi = phi_.data();
  pass.pull = step.pull;
  pass.touched = touched_.data();
  pass.diverged = diverged_;
  pass.clock = clock;
  functions_.neuron_adapt(pass);
  diverged_ = pass.diverged;
  rows_are_known_ = false;
}

/// The inputs that were not zero in some sample.
void NeuronDevice::find_touched() {
  if (rows_are_known_) return;
  rows_are_known_ = true;
  rows_.clear();
  for (std::uint32_t word = 0; word < touched_.size(); ++word) {
    for (std::uint32_t bits = touched_[word]; bits != 0; bits &= bits - 1) {
      rows_.push_back(word * functions_.lanes + static_cast<std::uint32_t>(__builtin_ctz(bits)));
    }
  }
}

/// What the passes may have changed, of the first `size` numbers.
ImageParts NeuronDevice::parts(std::size_t size) {
  ImageParts parts;
  parts.size = size;
  if (!layout_.has_sparse_rows()) return parts;
  find_touched();
  parts.rows = rows_.data();
  parts.row_count = rows_.size();
  parts.row_size = layout_.row_size();
  parts.rest = layout_.row_size() * layout_.network().input_size();
  return parts;
}

Outcome NeuronDevice::outcome() {
  if (diverged_) return Outcome::kDiverged;
  return outcome_of(functions_.image_check(parts(layout_.primary_size()), w_.data(), phi_.data()));
}

Outcome NeuronDevice::take(std::int64_t* sums) {
  if (diverged_) return Outcome::kDiverged;
  return outcome_of(functions_.image_take(parts(layout_.primary_size()), w_.data(), phi_.data(), sums));
}

void NeuronDevice::step(double meta_learning_rate, std::uint32_t weight) {
  functions_.image_step(parts(layout_.image_size()), w_.data(), phi_.data(), meta_learning_rate, weight);
  forget();
}

void NeuronDevice::reset() {
  const ImageParts changed = parts(layout_.image_size());
  for (std::size_t r = 0; r < changed.row_count; ++r) {
    const std::size_t begin = changed.rows[r] * changed.row_size;
    std::copy_n(phi_.data() + begin, changed.row_size, w_.data() + begin);
  }
  std::copy(phi_.data() + changed.rest, phi_.data() + changed.size, w_.data() + changed.rest);
  forget();
}

void NeuronDevice::forget() {
  std::fill(touched_.begin(), touched_.end(), 0U);
  rows_are_known_ = false;
  diverged_ = false;
}

void NeuronDevice::query(const float* inputs, const float* targets, std::uint32_t count, float* losses,
                         float* outputs) {
  NeuronQuery query;
  query.layout = &layout_;
  query.image = w_.data();
  query.workspace = workspace_.data();
  query.scratch = scratch_.data();
  query.places = places_.data();
  query.inputs = inputs;
  query.targets = targets;
  query.count = count;
  query.losses = losses;
  query.outputs = outputs;
  functions_.neuron_query(query);
}

}  // namespace skink::simulations
