#pragma once
/// @file
/// Random bits addressed by counter: any word can be had at any time, in any order, on any target, without state.
/// Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// Addressing and the list of purposes: docs/arithmetic.md, section 4.

#include <stdint.h>

namespace skink::arithmetic {

/// What a random word is for. A value is never reused for another meaning.
enum class Purpose : uint32_t {
  kInitialization = 1,  ///< round = layer index, device = 0 weights, 1 biases
  kCohort = 2,          ///< one permutation a round, device = 0
  kHeldOut = 3,         ///< which devices are held out; round = device = 0
  kTask = 4,            ///< what the task of (round, device) is: sine parameters, classes
  kSample = 5,          ///< which samples, or where on the axis
  kSampleOrder = 6,     ///< block p: order of pass p
  kQuantizer = 7,       ///< element e: stochastic rounding of parameter e
  kRotation = 8,        ///< reserved for codecs
  kEvaluationTask = 9,  ///< as kTask; device = number of the evaluation task
  kEvaluationSample = 10,
  kEvaluationOrder = 11,
  kNetwork = 12,  ///< the simulator's network: delays and faults; never enters a model
};

struct PhiloxBlock {
  uint32_t words[4];
};

/// The ten rounds. key = {low, high} half of the seed; counter = {block, purpose, round, device}.
PhiloxBlock philox(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device) noexcept;

/// The words of several blocks at once: block, block + 1, ...
using PhiloxBlocks = void(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device,
                          uint32_t* words) noexcept;

/// u in [0, 1): the top 24 bits times 2^-24, exact in float.
inline float uniform(uint32_t word) noexcept { return static_cast<float>(word >> 8) * 5.9604644775390625e-8F; }

/// low + (high - low) * u, each operation rounded once.
inline float uniform_between(uint32_t word, float low, float high) noexcept {
  return low + (high - low) * uniform(word);
}

/// The words of one (seed, purpose, round, device), by element: word = element mod 4 of block element / 4.
/// Remembers the last block, so ascending access costs one Philox evaluation in four.
class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint32_t round, uint32_t device) noexcept
      : seed_(seed), purpose_(static_cast<uint32_t>(purpose)), round_(round), device_(device) {}

  PhiloxBlock block(uint32_t index) const noexcept { return philox(seed_, index, purpose_, round_, device_); }

  void blocks(uint32_t index, PhiloxBlocks* philox_blocks, uint32_t* words) const noexcept {
    philox_blocks(seed_, index, purpose_, round_, device_, words);
  }

  uint32_t word_at(uint32_t element) noexcept {
    if (element / 4 != cached_index_) remember(element / 4);
    return cached_block_.words[element % 4];
  }

 private:
  void remember(uint32_t index) noexcept;

  uint64_t seed_;
  uint32_t purpose_;
  uint32_t round_;
  uint32_t device_;
  PhiloxBlock cached_block_{};
  uint32_t cached_index_ = 0xffffffffU;  // of no block: indices are below 2^30
};

}  // namespace skink::arithmetic
