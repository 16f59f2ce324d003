#pragma once
/// @file
/// Device lanes: the functions of lanes.hpp that compute with one device in each lane of a Pack. Included like
/// pack.hpp.

#include "neuron_plain.hpp"
#include "pack_random.hpp"
#include "pack_sums.hpp"
#include "row_plan.hpp"
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
    const nn::LayerPlan plan = row_plan(network.layers()[l]);
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
    const nn::LayerPlan plan = row_plan(network.layers()[l]);
    const nn::kernels::Update<Pack> update =
        nn::kernels::update_of(plan, target + plan.weights, target + plan.bias, scale);
    for (size_t s = 0; s < count; ++s) {
      Pack* sample = samples + s * network.sample_count();
      nn::kernels::backward_layer(plan, parameters + plan.weights, parameters + plan.bias, sample + plan.in_offset,
                                  sample + plan.out_offset, scratch, update);
    }
    lap(clock, backward_stage(l));
    if (nn::kernels::ends_backward(plan)) break;
  }
}

/// Which lanes have a sample at this place.
static IntLanes lanes_with(const uint32_t* counts, size_t place) noexcept {
  if (counts == nullptr) return ~IntLanes{};
  uint32_t bits = 0;
  for (int k = 0; k < kLanes; ++k) bits |= (place < counts[k] ? 1U : 0U) << k;
  return lanes_of(bits);
}

static void copy_lane(size_t k, size_t count, const float* from, float* to) noexcept {
  for (size_t e = 0; e < count; ++e) to[e * kLanes + k] = from[e * kLanes + k];
}

/// Keeps the parameters of the lanes that have no sample from `first` on but had one in the step before.
static void keep_ended(const LanePass& pass, size_t first) noexcept {
  if (pass.counts == nullptr) return;
  for (size_t k = 0; k < kLanes; ++k) {
    const bool has_ended = pass.counts[k] <= first;
    const bool is_kept = first > 0 && pass.counts[k] + size_t{pass.batch_size} <= first;
    if (has_ended && !is_kept) copy_lane(k, pass.network->parameter_count(), pass.parameters, pass.kept);
  }
}

/// What was kept when the last step began at `first`.
static void restore_ended(const LanePass& pass, size_t first) noexcept {
  if (pass.counts == nullptr) return;
  for (size_t k = 0; k < kLanes; ++k) {
    if (pass.counts[k] <= first) copy_lane(k, pass.network->parameter_count(), pass.kept, pass.parameters);
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
    keep_ended(pass, s);
    load(network, packs(pass.inputs) + s * network.input_size(), sample);
    lap(pass.clock, kSamples);
    forward_samples(network, parameters, sample, 1, pass.clock);
    const LaneTarget target{packs(pass.targets) + s * network.target_size()};
    diverged |= is_infinite(nn::kernels::loss_gradient(network, sample, target)) & lanes_with(pass.counts, s);
    lap(pass.clock, kLoss);
    backward_samples(network, parameters, parameters, scale, sample, 1, packs(pass.scratch), pass.clock);
    pull_towards_phi(pass);
  }
  if (pass.count > 0) restore_ended(pass, pass.count - 1);
  pass.diverged |= bits_of(diverged);
}

/// Adds up the gradients of some samples of a mini-batch. @returns the lanes with a loss that is not finite.
static IntLanes accumulate(const LanePass& pass, size_t first, size_t count) noexcept {
  const nn::Network& network = *pass.network;
  Pack* samples = packs(pass.workspace);
  IntLanes diverged{};
  for (size_t s = 0; s < count; ++s) {
    load(network, packs(pass.inputs) + (first + s) * network.input_size(), samples + s * network.sample_count());
  }
  lap(pass.clock, kSamples);
  forward_samples(network, packs(pass.parameters), samples, count, pass.clock);
  for (size_t s = 0; s < count; ++s) {
    const LaneTarget target{packs(pass.targets) + (first + s) * network.target_size()};
    const IntLanes infinite =
        is_infinite(nn::kernels::loss_gradient(network, samples + s * network.sample_count(), target));
    diverged |= infinite & lanes_with(pass.counts, first + s);
  }
  lap(pass.clock, kLoss);
  backward_samples(network, packs(pass.parameters), packs(pass.gradients), Traits::broadcast(1.0F), samples, count,
                   packs(pass.scratch), pass.clock);
  return diverged;
}

/// How many of the samples [first, first + most) come before the next place where a lane ends.
static size_t until_end_of_lane(const uint32_t* counts, size_t first, size_t most) noexcept {
  if (counts == nullptr) return most;
  for (int k = 0; k < kLanes; ++k) {
    if (counts[k] > first && counts[k] - first < most) most = counts[k] - first;
  }
  return most;
}

/// rate / samples of the batch, which differs from lane to lane at the end of their samples.
static Pack batch_steps(const LanePass& pass, size_t first, size_t batch) noexcept {
  float steps[kLanes];
  for (int k = 0; k < kLanes; ++k) {
    size_t samples = batch;
    if (pass.counts != nullptr && pass.counts[k] > first && pass.counts[k] - first < batch) {
      samples = pass.counts[k] - first;
    }
    steps[k] = pass.inner_learning_rate / static_cast<float>(samples);
  }
  Pack pack;
  memcpy(&pack, steps, sizeof pack);
  return pack;
}

/// Adds the gradients of samples first .. first + batch - 1: in every lane that has one of these those of its own.
static IntLanes accumulate_batch(const LanePass& pass, size_t first, size_t batch) noexcept {
  const size_t numbers = pass.network->parameter_count();
  const size_t longest = pass.batch_size < nn::kSliceSamples ? pass.batch_size : nn::kSliceSamples;
  IntLanes diverged{};
  for (size_t done = 0; done < batch;) {
    const size_t slice = batch - done < longest ? batch - done : longest;
    const size_t taken = until_end_of_lane(pass.counts, first + done, slice);
    diverged |= accumulate(pass, first + done, taken);
    done += taken;
    if (pass.counts == nullptr || done == batch) continue;
    for (size_t k = 0; k < kLanes; ++k) {
      if (pass.counts[k] == first + done) copy_lane(k, numbers, pass.gradients, pass.kept_gradients);
    }
  }
  if (pass.counts == nullptr) return diverged;
  for (size_t k = 0; k < kLanes; ++k) {
    const bool ends_within = pass.counts[k] > first && pass.counts[k] < first + batch;
    if (ends_within) copy_lane(k, numbers, pass.kept_gradients, pass.gradients);
  }
  return diverged;
}

/// nn::apply_gradients() for Packs, of samples first .. first + batch - 1.
static void apply(const LanePass& pass, size_t first, size_t batch) noexcept {
  Pack* parameters = packs(pass.parameters);
  const Pack* gradients = packs(pass.gradients);
  const Pack step = batch_steps(pass, first, batch);
  for (const nn::Tensor& tensor : pass.network->tensors()) {
    if (!tensor.trainable) continue;
    for (size_t e = tensor.offset; e < tensor.offset + size_t{tensor.count}; ++e) {
      parameters[e] = parameters[e] - step * gradients[e];
    }
  }
}

static void adapt_batches(LanePass& pass) noexcept {
  const size_t numbers = pass.network->parameter_count();
  IntLanes diverged{};
  size_t last = 0;
  for (size_t first = 0; first < pass.count; first += pass.batch_size) {
    const size_t batch = pass.count - first < pass.batch_size ? pass.count - first : pass.batch_size;
    keep_ended(pass, first);
    for (size_t e = 0; e < numbers; ++e) packs(pass.gradients)[e] = Traits::broadcast(0.0F);
    diverged |= accumulate_batch(pass, first, batch);
    apply(pass, first, batch);
    pull_towards_phi(pass);
    last = first;
    lap(pass.clock, kOther);
  }
  if (pass.count > 0) restore_ended(pass, last);
  pass.diverged |= bits_of(diverged);
}

/// Some samples of the query sets. Lanes that have none of them keep the gradient that they have.
static void query_gradient(LanePass& pass) noexcept {
  const size_t numbers = pass.network->parameter_count();
  const auto is_without = [&pass](size_t k) { return pass.counts != nullptr && pass.counts[k] == 0; };
  for (size_t k = 0; k < kLanes; ++k) {
    if (is_without(k)) copy_lane(k, numbers, pass.gradients, pass.kept_gradients);
  }
  pass.diverged |= bits_of(accumulate_batch(pass, 0, pass.count));
  for (size_t k = 0; k < kLanes; ++k) {
    if (is_without(k)) copy_lane(k, numbers, pass.kept_gradients, pass.gradients);
  }
}

/// phi, moved by one step along the gradients, which are sums over the samples that each lane has in all.
static void step_from_phi(LanePass& pass) noexcept {
  for (size_t e = 0; e < pass.network->parameter_count(); ++e) {
    packs(pass.parameters)[e] = Traits::broadcast(pass.phi[e]);
  }
  apply(pass, 0, pass.count);
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
  const Pack* outputs = sample + network.output_offset();
  for (size_t s = 0; s < query.count; ++s) {
    load(network, packs(query.inputs) + s * network.input_size(), sample);
    forward_samples(network, packs(query.parameters), sample, 1, nullptr);
    const Pack* targets = packs(query.targets) + s * network.target_size();
    memcpy(query.outputs + s * network.output_size() * kLanes, outputs, network.output_size() * sizeof(Pack));
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
