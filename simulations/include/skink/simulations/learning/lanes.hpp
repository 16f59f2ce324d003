#pragma once
/// @file
/// Device lanes: 8 or 16 devices computed side by side, lane k being device k of a group, with the kernels that a
/// device runs and so with its bits ("lanes never split a sum", docs/design.md). One table of functions for each
/// instruction set; all of them are in every binary of an architecture, and the processor decides which may run.
///
/// Numbers of a group are stored lane by lane: [count][lanes]. Buffers are aligned to kLaneAlignment bytes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/nn/network.hpp"

namespace skink::simulations {

inline constexpr std::size_t kLaneAlignment = 64;
inline constexpr std::uint32_t kMaxLanes = 16;

/// One pass over the support sets of a group, in place. All devices of a group have equally many samples.
struct LanePass {
  const nn::Network* network = nullptr;
  float* parameters = nullptr;     ///< [P][lanes], in and out
  float* workspace = nullptr;      ///< [min(batch_size, nn::kSliceSamples)][sample_count][lanes]
  float* scratch = nullptr;        ///< [scratch_count][lanes]
  float* gradients = nullptr;      ///< [P][lanes]; a batch size above 1 only
  const float* inputs = nullptr;   ///< [count][input_size][lanes], normalised, in the order of the pass
  const float* targets = nullptr;  ///< [count][target_size][lanes]
  std::uint32_t count = 0;
  std::uint32_t batch_size = 1;
  float inner_learning_rate = 0;
  std::uint32_t diverged = 0;  ///< in and out: bit k is set when a loss of lane k was not finite
};

/// Losses and predictions of a group's query sets.
struct LaneQuery {
  const nn::Network* network = nullptr;
  const float* parameters = nullptr;  ///< [P][lanes]
  float* workspace = nullptr;         ///< [sample_count][lanes]
  const float* inputs = nullptr;      ///< [count][input_size][lanes]
  const float* targets = nullptr;     ///< [count][target_size][lanes]
  std::uint32_t count = 0;
  float* losses = nullptr;           ///< out: [count][lanes]
  std::uint32_t* correct = nullptr;  ///< in and out: [lanes], right answers; cross-entropy only
};

/// Turns the parameters of a group into changes against phi.
struct LaneChanges {
  std::size_t count = 0;        ///< P
  float* parameters = nullptr;  ///< [P][lanes]; out: w - phi
  const float* phi = nullptr;   ///< [P]
  std::uint32_t infinite = 0;   ///< out: bit k: a parameter of lane k is not finite
  std::uint32_t overflown = 0;  ///< out: bit k: the parameters are finite, a change is not
  std::uint32_t too_large = 0;  ///< out: bit k: all are finite, a change is 128 or more
};

/// Adds changes to the sums of a round in fixed point (docs/arithmetic.md, section 8).
struct LaneSums {
  std::size_t count = 0;           ///< P
  const float* changes = nullptr;  ///< [P][lanes]
  std::uint32_t taken = 0;         ///< bit k: lane k counts
  std::int64_t weight = 1;         ///< aggregation weight of each
  std::int64_t* sums = nullptr;    ///< [P]
};

/// The functions of one instruction set.
struct LaneFunctions {
  const char* name = "";  ///< "scalar", "avx2", "avx512", "neon"
  std::uint32_t lanes = 1;
  void (*adapt)(LanePass& pass) = nullptr;
  void (*query)(LaneQuery& query) = nullptr;
  void (*changes)(LaneChanges& changes) = nullptr;
  void (*sum)(const LaneSums& sums) = nullptr;
};

/// Those that this processor can run, the widest first; "scalar" is always the last.
std::vector<const LaneFunctions*> available_lanes();

/// By name; null: this processor cannot, or there is no such name.
const LaneFunctions* find_lanes(const std::string& name);

}  // namespace skink::simulations
