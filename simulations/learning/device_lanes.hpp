/// @file
/// The functions of lanes.hpp over the Pack of one instruction set; see pack.hpp for how it is included.

#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "pack.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/nn/internal/passes.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations::SKINK_ISA {

using Traits = arithmetic::RealTraits<Pack>;

static Pack* packs(float* numbers) noexcept { return reinterpret_cast<Pack*>(numbers); }
static const Pack* packs(const float* numbers) noexcept { return reinterpret_cast<const Pack*>(numbers); }

static uint32_t bits_of(IntLanes mask) noexcept {
  uint32_t bits = 0;
  for (int k = 0; k < kLanes; ++k) bits |= (lane(mask, k) != 0 ? 1U : 0U) << k;
  return bits;
}

static IntLanes is_infinite(Pack value) noexcept {
  return mask_of((same_bits<IntLanes>(value.lanes) & 0x7f800000) == 0x7f800000);
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
      for (int k = 0; k < kLanes; ++k) query.correct[k] += lane(right, k) != 0 ? 1U : 0U;
    }
    packs(query.losses)[s] = nn::internal::loss_gradient(network, sample, LaneTarget{targets});
  }
}

// ---- random bits ----------------------------------------------------------------------------------------------------

struct BlockLanes {
  WordLanes words[4];
};

static WordLanes words_of(uint32_t value) noexcept { return value + WordLanes{}; }

static WordLanes load_words(const uint32_t* words) noexcept {
  WordLanes lanes;
  memcpy(&lanes, words, sizeof lanes);
  return lanes;
}

static void multiply(WordLanes a, uint32_t b, WordLanes& high, WordLanes& low) noexcept {
#if SKINK_LANES == 1
  high = static_cast<uint32_t>((uint64_t{a} * b) >> 32);
#else
  using WideWordLanes = uint64_t __attribute__((vector_size(8 * SKINK_LANES)));
  const WideWordLanes product = __builtin_convertvector(a, WideWordLanes) * b;
  high = __builtin_convertvector(product >> 32, WordLanes);
#endif
  low = a * b;
}

/// arithmetic::philox() with another device in each lane.
static BlockLanes philox(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, WordLanes devices) noexcept {
  auto key0 = static_cast<uint32_t>(seed);
  auto key1 = static_cast<uint32_t>(seed >> 32);
  BlockLanes c{{words_of(block), words_of(purpose), words_of(round), devices}};
  for (int r = 0; r < 10; ++r) {
    WordLanes high0;
    WordLanes low0;
    WordLanes high1;
    WordLanes low1;
    multiply(c.words[0], 0xD2511F53U, high0, low0);
    multiply(c.words[2], 0xCD9E8D57U, high1, low1);
    c = {{high1 ^ c.words[1] ^ key0, low1, high0 ^ c.words[3] ^ key1, low0}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return c;
}

/// low + (high - low) * u, u the top 24 bits times 2^-24.
static Pack uniform_between(WordLanes word, float low, float high) noexcept {
  const IntLanes top = same_bits<IntLanes>(word >> 8);
  const Pack u = Pack{convert<FloatLanes>(top)} * Traits::broadcast(5.9604644775390625e-8F);
  return Traits::broadcast(low) + Traits::broadcast(high - low) * u;
}

/// arithmetic::permute() of one position with another key in each lane.
static WordLanes permute(uint32_t position, uint32_t size, const BlockLanes& key) noexcept {
  uint32_t bits = 1;
  while (bits < 31 && (uint32_t{1} << bits) < size) ++bits;
  const uint32_t mask = (uint32_t{1} << bits) - 1;
  const uint32_t shift = bits < 2 ? 1 : bits / 2;
  // The first step is every lane's; after it only those walk on that are outside.
  WordLanes x = words_of(position);
  IntLanes walks = IntLanes{} - 1;
  do {
    WordLanes next = x;
    for (uint32_t round = 0; round < 4; ++round) {
      const WordLanes multiplier_a = (key.words[(round + 1) % 4] >> 16) | 1U;
      const WordLanes multiplier_b = ((key.words[(round + 2) % 4] >> 8) & 0xffffU) | 1U;
      next = (next + key.words[round]) & mask;
      next ^= next >> shift;
      next = (next * multiplier_a) & mask;
      next ^= next >> shift;
      next = (next * multiplier_b) & mask;
    }
    x = walks ? next : x;
    walks = mask_of(x >= size);
  } while (!Traits::none(walks));
  return x;
}

static void orders(const LaneOrders& orders) noexcept {
  const BlockLanes key = philox(orders.seed, orders.block, orders.purpose, orders.round, load_words(orders.numbers));
  for (uint32_t position = 0; position < orders.size; ++position) {
    const WordLanes sample = permute(position, orders.size, key);
    memcpy(orders.order + size_t{position} * kLanes, &sample, sizeof sample);
  }
}

static void sines(const LaneSines& sines) noexcept {
  const WordLanes numbers = load_words(sines.numbers);
  const BlockLanes task = philox(sines.seed, 0, sines.task_purpose, sines.round, numbers);
  const Pack amplitude = uniform_between(task.words[0], sines.amplitude_min, sines.amplitude_max);
  const Pack phase = uniform_between(task.words[1], sines.phase_min, sines.phase_max);
  BlockLanes block{};
  for (uint32_t i = 0; i < sines.count; ++i) {
    Pack input;
    if (sines.query) {
      const float part = (static_cast<float>(i) + 0.5F) / static_cast<float>(sines.count);
      input = Traits::broadcast(sines.input_min + (sines.input_max - sines.input_min) * part);
    } else {
      if (i % 4 == 0) block = philox(sines.seed, i / 4, sines.sample_purpose, sines.round, numbers);
      input = uniform_between(block.words[i % 4], sines.input_min, sines.input_max);
    }
    packs(sines.inputs)[i] = input;
    packs(sines.targets)[i] = amplitude * arithmetic::internal::sin(input + phase);
  }
}

// ---- sums -----------------------------------------------------------------------------------------------------------

#if SKINK_LANES == 1
static constexpr int kSumLanes = 1;
using Longs = int64_t;
static Longs fixed_point(Pack change) noexcept { return arithmetic::to_fixed_point(change.lanes); }
#else
static constexpr int kSumLanes = kLanes / 2;
using HalfFloats = float __attribute__((vector_size(4 * kSumLanes)));
using Doubles = double __attribute__((vector_size(8 * kSumLanes)));
using Longs = uint64_t __attribute__((vector_size(8 * kSumLanes)));

/// GCC 12 takes the detour of four halves for __builtin_convertvector.
static Doubles widen(HalfFloats half) noexcept {
#if defined(__AVX512F__)
  return reinterpret_cast<Doubles>(_mm512_maskz_cvtps_pd(0xff, reinterpret_cast<__m256>(half)));
#elif defined(__AVX2__)
  return reinterpret_cast<Doubles>(_mm256_cvtps_pd(reinterpret_cast<__m128>(half)));
#else
  return __builtin_convertvector(half, Doubles);
#endif
}

/// Adding 1.5 * 2^52 rounds a double below 2^51 to the nearest integer, half to even, and leaves it in the low bits.
static Longs fixed_point(HalfFloats change) noexcept {
  constexpr double kRoundingConstant = 6755399441055744.0;
  const Doubles rounding = Doubles{} + kRoundingConstant;
  const Doubles scaled = widen(change) * 68719476736.0;  // 2^36
  return reinterpret_cast<Longs>(scaled + rounding) - reinterpret_cast<Longs>(rounding);
}

template <size_t kFirst, size_t... kIndex>
HalfFloats half_of(Pack pack, std::index_sequence<kIndex...> /*unused*/) noexcept {
  return __builtin_shufflevector(pack.lanes, pack.lanes, (kFirst + kIndex)...);
}

/// The two halves of a pack in fixed point, added.
static Longs fixed_point(Pack change) noexcept {
  constexpr auto kIndices = std::make_index_sequence<kSumLanes>();
  return fixed_point(half_of<0>(change, kIndices)) + fixed_point(half_of<kSumLanes>(change, kIndices));
}
#endif

/// 128 or more, infinite or NaN: their bits without the sign are those of 128 or above.
static IntLanes is_too_large(Pack change) noexcept {
  return mask_of((same_bits<IntLanes>(change.lanes) & 0x7fffffff) >= 0x43000000);
}

static Pack only(IntLanes lanes, Pack value) noexcept {
  return {same_bits<FloatLanes>(same_bits<IntLanes>(value.lanes) & lanes)};
}

static IntLanes lanes_of(uint32_t bits) noexcept {
  IntLanes lanes{};
  for (int k = 0; k < kLanes; ++k) set_lane(lanes, k, (bits >> k & 1U) != 0 ? -1 : 0);
  return lanes;
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

/// As many independent sums as hide the latency of a multiplication and an addition.
static uint64_t peak(uint64_t loops) noexcept {
  constexpr size_t kSums = SKINK_REGISTERS >= 32 ? 16 : 12;
  volatile float factor = 0.5F;  // so that nothing is computed beforehand
  const Pack a = Traits::broadcast(factor);
  const Pack b = Traits::broadcast(factor + 0.5F);
  Pack sums[kSums];
  for (Pack& sum : sums) sum = Traits::broadcast(factor);
  for (uint64_t i = 0; i < loops; ++i) {
    SKINK_UNROLL
    for (size_t k = 0; k < kSums; ++k) sums[k] = sums[k] * a + b;
  }
  volatile float sink = 0;
  for (const Pack& sum : sums) {
    float numbers[kLanes];
    memcpy(numbers, &sum, sizeof numbers);
    sink = sink + numbers[0];
  }
  return loops * kSums * 2 * kLanes;
}

static const LaneFunctions kFunctions{SKINK_ISA_NAME, kLanes, kSumLanes, &adapt, &query,
                                      &orders,        &sines, &take,     &peak,  &spread};

}  // namespace skink::simulations::SKINK_ISA
