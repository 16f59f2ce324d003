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
  kNetwork = 12,    ///< the simulator's network: delays and faults; never enters a model
  kPartition = 13,  ///< records dealt out to devices; round = 0 training, 1 held out; device = 1 + class, 0: no class
};

/// The output of one Philox evaluation.
struct PhiloxBlock {
  uint32_t words[4];
};

/// The ten rounds. key = {low, high} half of the seed; counter = {block, purpose, round, device}.
PhiloxBlock philox(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device) noexcept;

/// A kernel that writes the words of a fixed number of blocks at once: block, block + 1, ..., four words each. How
/// many, the kernel's owner says.
using PhiloxBlocks = void(uint64_t seed, uint32_t block, uint32_t purpose, uint32_t round, uint32_t device,
                          uint32_t* words) noexcept;

/// u in [0, 1): the top 24 bits times 2^-24, exact in float.
inline float uniform(uint32_t word) noexcept { return static_cast<float>(word >> 8) * 5.9604644775390625e-8F; }

/// low + (high - low) * u, each operation rounded once.
inline float uniform_between(uint32_t word, float low, float high) noexcept {
  return low + (high - low) * uniform(word);
}

/// The words of one (seed, purpose, round, device), by element: word = element mod 4 of block element / 4.
/// Remembers the last block, so ascending access costs one Philox evaluation in four. Small; copies are independent.
class RandomStream {
 public:
  /// @param[in] seed           the experiment's, 0..2^63-1.
  /// @param[in] round, device  what they mean depends on the purpose: docs/arithmetic.md, section 4.
  RandomStream(uint64_t seed, Purpose purpose, uint32_t round, uint32_t device) noexcept
      : seed_(seed), purpose_(static_cast<uint32_t>(purpose)), round_(round), device_(device) {}

  /// Block `index`: the words of elements 4 * index to 4 * index + 3. Does not touch the remembered block.
  PhiloxBlock block(uint32_t index) const noexcept { return philox(seed_, index, purpose_, round_, device_); }

  /// The words of blocks index, index + 1, ... by a kernel of this processor.
  /// @param[out] words  [4 * the kernel's number of blocks]
  void blocks(uint32_t index, PhiloxBlocks* philox_blocks, uint32_t* words) const noexcept {
    philox_blocks(seed_, index, purpose_, round_, device_, words);
  }

  /// The word of `element`. Changes the remembered block: a stream that threads share needs a copy for each.
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
