#pragma once
/// @file
/// Device lanes: the functions of lanes.hpp that compute with one device in each lane of a Pack. Included like
/// pack.hpp.

#include "neuron_plain.hpp"
#include "pack_random.hpp"
#include "pack_sums.hpp"
#include "skink/common/nn/kernels/passes.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations::SKINK_ISA {

/// The targets of one sample.
struct LaneTarget {
  const Pack* targets;
  Pack operator()(size_t output) const noexcept { return targets[output]; }
};

static void load(const nn::Network& network, const Pack* input, Pack* sample) noexcept {
  const size_t inputs = network.input_size();
  for (size_t i = 0; i < inputs; ++i) sample[i] = input[i];
}

/// nn::kernels::forward() for Packs, and with a clock.
static void forward_samples(const nn::Network& network, const Pack* parameters, Pack* samples, size_t count,
                            StageClock* clock) noexcept {
  for (size_t l = 0; l < network.layers().size(); ++l) {
    const nn::LayerPlan& plan = network.layers()[l];
    for (size_t s = 0; s < count; ++s) {
      Pack* sample = samples + s * network.sample_count();
      nn::kernels::forward_layer(plan, parameters + plan.weights, parameters + plan.bias, sample + plan.in_offset,
                                 sample + plan.out_offset);
    }
    lap(clock, forward_stage(l));
  }
}

/// nn::kernels::backward() likewise.
static void backward_samples(const nn::Network& network, const Pack* parameters, Pack* target, Pack scale,
                             Pack* samples, size_t count, Pack* scratch, StageClock* clock) noexcept {
  for (size_t l = network.layers().size(); l-- > 0;) {
    const nn::LayerPlan& plan = network.layers()[l];
    const nn::kernels::Update<Pack> update = nn::kernels::update_of(plan, target, scale);
    for (size_t s = 0; s < count; ++s) {
      Pack* sample = samples + s * network.sample_count();
      nn::kernels::backward_layer(plan, parameters + plan.weights, parameters + plan.bias, sample + plan.in_offset,
                                  sample + plan.out_offset, scratch, update);
    }
    lap(clock, backward_stage(l));
    if (nn::kernels::ends_backward(plan)) break;
  }
}

/// nn::pull_towards() for Packs.
static void pull_towards_phi(const LanePass& pass) noexcept {
  if (pass.pull == 0.0F) return;
  Pack* parameters = packs(pass.parameters);
  const Pack share = Traits::broadcast(pass.pull);
  for (size_t e = 0; e < pass.network->parameter_count(); ++e) {
    parameters[e] = parameters[e] - share * (parameters[e] - Traits::broadcast(pass.phi[e]));
  }
}

static void adapt_online(LanePass& pass) noexcept {
  const nn::Network& network = *pass.network;
  Pack* parameters = packs(pass.parameters);
  Pack* sample = packs(pass.workspace);
  const Pack scale = Traits::broadcast(-pass.inner_learning_rate);
  IntLanes diverged{};
  for (size_t s = 0; s < pass.count; ++s) {
    load(network, packs(pass.inputs) + s * network.input_size(), sample);
    lap(pass.clock, kSamples);
    forward_samples(network, parameters, sample, 1, pass.clock);
    const LaneTarget target{packs(pass.targets) + s * target_size(network)};
    diverged |= is_infinite(nn::kernels::loss_gradient(network, sample, target));
    lap(pass.clock, kLoss);
    backward_samples(network, parameters, parameters, scale, sample, 1, packs(pass.scratch), pass.clock);
    pull_towards_phi(pass);
  }
  pass.diverged |= bits_of(diverged);
}

/// Clears the gradients and adds those of samples first .. first + count - 1. @returns lanes with a loss that is not
/// finite.
static IntLanes accumulate(const LanePass& pass, size_t first, size_t count) noexcept {
  const nn::Network& network = *pass.network;
  Pack* gradients = packs(pass.gradients);
  Pack* samples = packs(pass.workspace);
  IntLanes diverged{};
  const size_t longest = pass.batch_size < nn::kSliceSamples ? pass.batch_size : nn::kSliceSamples;
  for (size_t e = 0; e < network.parameter_count(); ++e) gradients[e] = Traits::broadcast(0.0F);
  for (size_t done = 0; done < count; done += longest) {
    const size_t slice = count - done < longest ? count - done : longest;
    for (size_t s = 0; s < slice; ++s) {
      load(network, packs(pass.inputs) + (first + done + s) * network.input_size(),
           samples + s * network.sample_count());
    }
    lap(pass.clock, kSamples);
    forward_samples(network, packs(pass.parameters), samples, slice, pass.clock);
    for (size_t s = 0; s < slice; ++s) {
      const LaneTarget target{packs(pass.targets) + (first + done + s) * target_size(network)};
      diverged |= is_infinite(nn::kernels::loss_gradient(network, samples + s * network.sample_count(), target));
    }
    lap(pass.clock, kLoss);
    backward_samples(network, packs(pass.parameters), gradients, Traits::broadcast(1.0F), samples, slice,
                     packs(pass.scratch), pass.clock);
  }
  return diverged;
}

/// nn::apply_gradients() for Packs.
static void apply(const LanePass& pass, size_t count) noexcept {
  Pack* parameters = packs(pass.parameters);
  const Pack* gradients = packs(pass.gradients);
  const Pack step = Traits::broadcast(pass.inner_learning_rate / static_cast<float>(count));
  for (const nn::Tensor& tensor : pass.network->tensors()) {
    if (!tensor.trainable) continue;
    for (size_t e = tensor.offset; e < tensor.offset + size_t{tensor.count}; ++e) {
      parameters[e] = parameters[e] - step * gradients[e];
    }
  }
}

static void adapt_batches(LanePass& pass) noexcept {
  IntLanes diverged{};
  for (size_t first = 0; first < pass.count; first += pass.batch_size) {
    const size_t batch = pass.count - first < pass.batch_size ? pass.count - first : pass.batch_size;
    diverged |= accumulate(pass, first, batch);
    apply(pass, batch);
    pull_towards_phi(pass);
    lap(pass.clock, kOther);
  }
  pass.diverged |= bits_of(diverged);
}

static void query_gradient(LanePass& pass) noexcept {
  pass.diverged |= bits_of(accumulate(pass, 0, pass.count));
  for (size_t e = 0; e < pass.network->parameter_count(); ++e) {
    packs(pass.parameters)[e] = Traits::broadcast(pass.phi[e]);
  }
  apply(pass, pass.count);
  lap(pass.clock, kOther);
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
    forward_samples(network, packs(query.parameters), sample, 1, nullptr);
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
      for (int k = 0; k < kLanes; ++k) query.correct[k] += lane(right, k) != 0 ? 1U : 0U;
    }
    packs(query.losses)[s] = nn::kernels::loss_gradient(network, sample, LaneTarget{targets});
  }
}

static void orders(const LaneOrders& orders) noexcept {
  const BlockLanes key =
      philox(orders.seed, orders.block, orders.purpose, load_words(orders.rounds), load_words(orders.numbers));
  for (uint32_t position = 0; position < orders.size; ++position) {
    const WordLanes sample = permute(position, orders.size, key);
    memcpy(orders.order + size_t{position} * kLanes, &sample, sizeof sample);
  }
}

static void sines(const LaneSines& sines) noexcept {
  const WordLanes numbers = load_words(sines.numbers);
  const WordLanes rounds = load_words(sines.rounds);
  const BlockLanes task = philox(sines.seed, 0, sines.task_purpose, rounds, numbers);
  const Pack amplitude = uniform_between(task.words[0], sines.amplitude_min, sines.amplitude_max);
  const Pack phase = uniform_between(task.words[1], sines.phase_min, sines.phase_max);
  BlockLanes block{};
  for (uint32_t i = 0; i < sines.count; ++i) {
    Pack input;
    if (sines.query) {
      const float part = (static_cast<float>(i) + 0.5F) / static_cast<float>(sines.count);
      input = Traits::broadcast(sines.input_min + (sines.input_max - sines.input_min) * part);
    } else {
      if (i % 4 == 0) block = philox(sines.seed, i / 4, sines.sample_purpose, rounds, numbers);
      input = uniform_between(block.words[i % 4], sines.input_min, sines.input_max);
    }
    packs(sines.inputs)[i] = input;
    packs(sines.targets)[i] = amplitude * arithmetic::generic::sin(input + phase);
  }
}

/// Optimization: in one pass all wanted lanes are added and looked at; lanes that turn out not to count are taken away
/// again, which leaves no trace: 64-bit sums wrap around.
static void take(LaneTake& take) noexcept {
  const Pack* parameters = packs(take.parameters);
  const float* phi = take.phi;
  int64_t* sums = take.sums;
  const size_t count = take.count;
  const IntLanes wanted = lanes_of(take.wanted);
  IntLanes too_large{};
  Longs sum;
  for (size_t e = 0; e < count; ++e) {
    const Pack change = only(wanted, parameters[e] - Traits::broadcast(phi[e]));
    too_large |= is_too_large(change);
    memcpy(&sum, sums + e * kSumLanes, sizeof sum);
    sum += fixed_point(change);
    memcpy(sums + e * kSumLanes, &sum, sizeof sum);
  }
  take.not_finite = 0;
  take.too_large = bits_of(too_large);
  if (take.too_large == 0) return;
  IntLanes not_finite{};
  for (size_t e = 0; e < count; ++e) {
    const Pack change = only(wanted, parameters[e] - Traits::broadcast(phi[e]));
    not_finite |= is_infinite(change);
    memcpy(&sum, sums + e * kSumLanes, sizeof sum);
    sum -= fixed_point(only(too_large, change));
    memcpy(sums + e * kSumLanes, &sum, sizeof sum);
  }
  take.not_finite = bits_of(not_finite);
  take.too_large &= ~take.not_finite;
}

static void spread(const float* phi, size_t count, float* out) noexcept {
  for (size_t e = 0; e < count; ++e) packs(out)[e] = Traits::broadcast(phi[e]);
}

}  // namespace skink::simulations::SKINK_ISA
