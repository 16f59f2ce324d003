/// @file
/// The functions of lanes.hpp over the Pack of one instruction set; see pack.hpp for how it is included.

#include "pack.hpp"
#include "skink/common/nn/internal/passes.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations::SKINK_ISA {

using Traits = arithmetic::RealTraits<Pack>;
using LongLanes = int64_t __attribute__((vector_size(8 * SKINK_LANES)));
using DoubleLanes = double __attribute__((vector_size(8 * SKINK_LANES)));

static Pack* packs(float* numbers) noexcept { return reinterpret_cast<Pack*>(numbers); }
static const Pack* packs(const float* numbers) noexcept { return reinterpret_cast<const Pack*>(numbers); }

static uint32_t bits_of(IntLanes mask) noexcept {
  uint32_t bits = 0;
  for (int k = 0; k < kLanes; ++k) bits |= (mask[k] != 0 ? 1U : 0U) << k;
  return bits;
}

static IntLanes is_infinite(Pack value) noexcept {
  return (reinterpret_cast<IntLanes>(value.lanes) & 0x7f800000) == 0x7f800000;
}

/// The targets of one sample.
struct LaneTarget {
  const Pack* targets;
  Pack operator()(size_t output) const noexcept { return targets[output]; }
};

static size_t target_size(const nn::Network& network) noexcept {
  return network.loss() == nn::Loss::kSoftmaxCrossEntropy ? 1 : network.output_size();
}

static void load(const nn::Network& network, const Pack* input, Pack* sample) noexcept {
  const size_t inputs = network.input_size();
  for (size_t i = 0; i < inputs; ++i) sample[i] = input[i];
}

static void adapt_online(LanePass& pass) noexcept {
  const nn::Network& network = *pass.network;
  Pack* parameters = packs(pass.parameters);
  Pack* sample = packs(pass.workspace);
  const Pack scale = Traits::broadcast(-pass.inner_learning_rate);
  IntLanes diverged{};
  for (size_t s = 0; s < pass.count; ++s) {
    load(network, packs(pass.inputs) + s * network.input_size(), sample);
    nn::internal::forward(network, parameters, sample, 1);
    const LaneTarget target{packs(pass.targets) + s * target_size(network)};
    diverged |= is_infinite(nn::internal::loss_gradient(network, sample, target));
    nn::internal::backward(network, parameters, parameters, scale, sample, 1, packs(pass.scratch));
  }
  pass.diverged |= bits_of(diverged);
}

static void adapt_batches(LanePass& pass) noexcept {
  const nn::Network& network = *pass.network;
  Pack* parameters = packs(pass.parameters);
  Pack* gradients = packs(pass.gradients);
  Pack* samples = packs(pass.workspace);
  const Pack one = Traits::broadcast(1.0F);
  IntLanes diverged{};
  for (size_t first = 0; first < pass.count; first += pass.batch_size) {
    const size_t batch = pass.count - first < pass.batch_size ? pass.count - first : pass.batch_size;
    for (size_t e = 0; e < network.parameter_count(); ++e) gradients[e] = Traits::broadcast(0.0F);
    for (size_t done = 0; done < batch; done += nn::kSliceSamples) {
      const size_t slice = batch - done < nn::kSliceSamples ? batch - done : nn::kSliceSamples;
      for (size_t s = 0; s < slice; ++s) {
        load(network, packs(pass.inputs) + (first + done + s) * network.input_size(),
             samples + s * network.sample_count());
      }
      nn::internal::forward(network, parameters, samples, slice);
      for (size_t s = 0; s < slice; ++s) {
        const LaneTarget target{packs(pass.targets) + (first + done + s) * target_size(network)};
        diverged |= is_infinite(nn::internal::loss_gradient(network, samples + s * network.sample_count(), target));
      }
      nn::internal::backward(network, parameters, gradients, one, samples, slice, packs(pass.scratch));
    }
    const Pack step = Traits::broadcast(pass.inner_learning_rate / static_cast<float>(batch));
    for (const nn::Tensor& tensor : network.tensors()) {
      if (!tensor.trainable) continue;
      for (size_t e = tensor.offset; e < tensor.offset + size_t{tensor.count}; ++e) {
        parameters[e] = parameters[e] - step * gradients[e];
      }
    }
  }
  pass.diverged |= bits_of(diverged);
}

/// A lane that has diverged goes on with numbers that nobody looks at.
static void adapt(LanePass& pass) noexcept {
  if (pass.batch_size == 1) {
    adapt_online(pass);
  } else {
    adapt_batches(pass);
  }
}

static void query(LaneQuery& query) noexcept {
  const nn::Network& network = *query.network;
  Pack* sample = packs(query.workspace);
  const bool classifies = network.loss() == nn::Loss::kSoftmaxCrossEntropy;
  for (size_t s = 0; s < query.count; ++s) {
    load(network, packs(query.inputs) + s * network.input_size(), sample);
    nn::internal::forward(network, packs(query.parameters), sample, 1);
    const Pack* targets = packs(query.targets) + s * target_size(network);
    if (classifies) {
      const Pack* outputs = sample + network.output_offset();
      Pack best = outputs[0];
      Pack label = Traits::broadcast(0.0F);
      for (size_t o = 1; o < network.output_size(); ++o) {
        const IntLanes larger = Traits::greater(outputs[o], best);
        best = Traits::select(larger, outputs[o], best);
        label = Traits::select(larger, Traits::broadcast(static_cast<float>(o)), label);
      }
      const IntLanes right = Traits::equal(label, targets[0]);
      for (int k = 0; k < kLanes; ++k) query.correct[k] += right[k] != 0 ? 1U : 0U;
    }
    packs(query.losses)[s] = nn::internal::loss_gradient(network, sample, LaneTarget{targets});
  }
}

static void changes(LaneChanges& changes) noexcept {
  Pack* parameters = packs(changes.parameters);
  const Pack limit = Traits::broadcast(128.0F);
  const Pack zero = Traits::broadcast(0.0F);
  IntLanes infinite{};
  IntLanes overflown{};
  IntLanes too_large{};
  for (size_t e = 0; e < changes.count; ++e) {
    const Pack change = parameters[e] - Traits::broadcast(changes.phi[e]);
    infinite |= is_infinite(parameters[e]);
    overflown |= is_infinite(change);
    too_large |= ~(Traits::greater(limit, change) & Traits::greater(change, zero - limit));
    parameters[e] = change;
  }
  changes.infinite = bits_of(infinite);
  changes.overflown = bits_of(overflown) & ~changes.infinite;
  changes.too_large = bits_of(too_large) & ~changes.infinite & ~changes.overflown;
}

/// Adding 1.5 * 2^52 rounds a double below 2^51 to the nearest integer, half to even, and leaves it in the low bits.
static void sum(const LaneSums& sums) noexcept {
  constexpr double kRoundingConstant = 6755399441055744.0;
  IntLanes taken;
  for (int k = 0; k < kLanes; ++k) taken[k] = (sums.taken >> k & 1U) != 0 ? -1 : 0;
  const DoubleLanes rounding = DoubleLanes{} + kRoundingConstant;
  const LongLanes offset = reinterpret_cast<LongLanes>(rounding);
  for (size_t e = 0; e < sums.count; ++e) {
    // A lane that does not count gives 0, whatever it holds.
    const IntLanes bits = reinterpret_cast<IntLanes>(packs(sums.changes)[e].lanes) & taken;
    const DoubleLanes wide = __builtin_convertvector(reinterpret_cast<FloatLanes>(bits), DoubleLanes);
    const LongLanes fixed = reinterpret_cast<LongLanes>(wide * 68719476736.0 + rounding) - offset;  // 2^36
    int64_t total = 0;
    for (int k = 0; k < kLanes; ++k) total += fixed[k];
    sums.sums[e] += total * sums.weight;
  }
}

static const LaneFunctions kFunctions{SKINK_ISA_NAME, kLanes, &adapt, &query, &changes, &sum};

}  // namespace skink::simulations::SKINK_ISA
