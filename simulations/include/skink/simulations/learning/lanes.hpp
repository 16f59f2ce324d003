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
#include "skink/simulations/learning/stage_clock.hpp"

namespace skink::simulations {

inline constexpr std::size_t kLaneAlignment = 64;
inline constexpr std::uint32_t kMaxLanes = 16;

/// Some samples of the support sets of a group, in place. A lane with fewer samples than others ends with the
/// parameters that it has after its last one.
struct LanePass {
  const nn::Network* network = nullptr;
  float* parameters = nullptr;            ///< [P][lanes], in and out
  float* workspace = nullptr;             ///< [min(batch_size, nn::kSliceSamples)][sample_count][lanes]
  float* scratch = nullptr;               ///< [scratch_count][lanes]
  float* gradients = nullptr;             ///< [P][lanes]; a batch size above 1, or query_gradient(): in and out
  const float* inputs = nullptr;          ///< [count][input_size][lanes], normalised, in the order of the pass
  const float* targets = nullptr;         ///< [count][target_size][lanes]
  std::uint32_t count = 0;                ///< of the lane with most; with mini-batches whole ones, but for the end
  const std::uint32_t* counts = nullptr;  ///< [lanes], at most `count`; null: all have as many
  float* kept = nullptr;                  ///< [P][lanes], scratch; with counts only
  float* kept_gradients = nullptr;        ///< likewise; a batch size above 1, or query_gradient()
  std::uint32_t batch_size = 1;
  float inner_learning_rate = 0;
  const float* phi = nullptr;  ///< [P]; with a pull, or step_from_phi()
  float pull = 0;              ///< towards phi after every step: rounds::InnerLoop::pull()
  std::uint32_t diverged = 0;  ///< in and out: bit k is set when a loss of lane k was not finite
  StageClock* clock = nullptr;
};

/// Losses and outputs of a group's query sets. `count` is that of the lane with most; past the end of another its
/// numbers mean nothing.
struct LaneQuery {
  const nn::Network* network = nullptr;
  const float* parameters = nullptr;  ///< [P][lanes]
  float* workspace = nullptr;         ///< [sample_count][lanes]
  const float* inputs = nullptr;      ///< [count][input_size][lanes]
  const float* targets = nullptr;     ///< [count][target_size][lanes]
  std::uint32_t count = 0;
  float* losses = nullptr;   ///< out: [count][lanes]
  float* outputs = nullptr;  ///< out: [count][output_size][lanes]
};

/// The order in which each device of a group takes its samples: arithmetic::permute() with the philox() block that is
/// addressed so.
struct LaneOrders {
  std::uint64_t seed = 0;
  std::uint32_t block = 0;
  std::uint32_t purpose = 0;
  const std::uint32_t* rounds = nullptr;   ///< [lanes]
  const std::uint32_t* numbers = nullptr;  ///< [lanes], the last word of the address
  std::uint32_t size = 1;                  ///< samples
  std::uint32_t* order = nullptr;          ///< out: [size][lanes]
};

/// The samples of a group's sine tasks, as Task gives them (docs/arithmetic.md, section 10).
struct LaneSines {
  std::uint64_t seed = 0;
  std::uint32_t task_purpose = 0;
  std::uint32_t sample_purpose = 0;
  const std::uint32_t* rounds = nullptr;   ///< [lanes]
  const std::uint32_t* numbers = nullptr;  ///< [lanes]
  float amplitude_min = 0, amplitude_max = 0;
  float phase_min = 0, phase_max = 0;
  float input_min = 0, input_max = 0;
  bool query = false;        ///< even points instead of random ones
  std::uint32_t count = 0;   ///< samples
  float* inputs = nullptr;   ///< out: [count][lanes], as stored
  float* targets = nullptr;  ///< out: [count][lanes]
};

/// Adds a group's changes, w - phi, to the sums of a round in fixed point (docs/arithmetic.md, section 8). A lane whose
/// change does not count adds nothing.
struct LaneTake {
  std::size_t count = 0;              ///< P
  const float* parameters = nullptr;  ///< [P][lanes]
  const float* phi = nullptr;         ///< [P]
  std::uint32_t wanted = 0;           ///< bit k: lane k is a device that has not diverged
  std::int64_t* sums = nullptr;       ///< in and out: [P][sum_lanes]
  std::uint32_t not_finite = 0;       ///< out: bit k: a parameter or a change of wanted lane k is not finite
  std::uint32_t too_large = 0;        ///< out: bit k: all are finite, a change is 128 or more
};

class NeuronLayout;

/// One pass over a device's samples, with neuron lanes.
struct NeuronPass {
  const NeuronLayout* layout = nullptr;
  float* image = nullptr;           ///< the parameters, in and out
  float* workspace = nullptr;       ///< [layout.workspace_size()], zero before the first pass
  float* scratch = nullptr;         ///< [layout.scratch_size()]
  std::uint32_t* places = nullptr;  ///< [layout.input_stride() + lanes], scratch
  const float* inputs = nullptr;    ///< [count][layout.input_stride()]
  const float* targets = nullptr;   ///< [count][target_size]
  std::uint32_t count = 0;          ///< with mini-batches whole ones, but for the end
  std::uint32_t batch_size = 1;
  float* gradients = nullptr;  ///< an image, zero before and after; a batch size above 1
  float inner_learning_rate = 0;
  const float* phi = nullptr;  ///< its image
  float pull = 0;              ///< towards phi after every step
  /// In and out: [input_stride / lanes], bit k of a word is set when input k of its vector was not zero.
  std::uint32_t* touched = nullptr;
  bool diverged = false;  ///< in and out: a loss was not finite
  StageClock* clock = nullptr;
};

/// Losses and predictions of a device's query set.
struct NeuronQuery {
  const NeuronLayout* layout = nullptr;
  const float* image = nullptr;
  float* workspace = nullptr;
  float* scratch = nullptr;
  std::uint32_t* places = nullptr;
  const float* inputs = nullptr;
  const float* targets = nullptr;
  std::uint32_t count = 0;
  float* losses = nullptr;   ///< out: [count]
  float* outputs = nullptr;  ///< out: [count][output_size]
};

/// Parts of an image: some rows, and all from `rest` on.
struct ImageParts {
  const std::uint32_t* rows = nullptr;  ///< row r begins at rows[r] * row_size
  std::size_t row_count = 0;
  std::size_t row_size = 0;
  std::size_t rest = 0;
  std::size_t size = 0;
};

/// The functions of one instruction set.
struct LaneFunctions {
  const char* name = "";  ///< "scalar", "avx2", "avx512", "neon"
  std::uint32_t lanes = 1;
  std::uint32_t sum_lanes = 1;  ///< numbers whose sum is the sum of one parameter's changes
  void (*adapt)(LanePass& pass) = nullptr;
  /// The samples are some of query sets: adds their gradients at the parameters.
  void (*query_gradient)(LanePass& pass) = nullptr;
  /// phi, moved by one step along the mean of these gradients, takes the place of the parameters. `count` and `counts`
  /// are those of the whole query sets.
  void (*step_from_phi)(LanePass& pass) = nullptr;
  void (*query)(LaneQuery& query) = nullptr;
  void (*orders)(const LaneOrders& orders) = nullptr;
  void (*sines)(const LaneSines& sines) = nullptr;
  void (*take)(LaneTake& take) = nullptr;
  void (*neuron_adapt)(NeuronPass& pass) = nullptr;
  void (*neuron_query)(NeuronQuery& query) = nullptr;
  /// Whether what a device has changed within `parts`, w - phi, counts. @returns 0: yes; 1: a number is not finite; 2:
  /// all are, one is 128 or more.
  std::uint32_t (*image_check)(const ImageParts& parts, const float* w, const float* phi) = nullptr;
  /// If it counts, adds it in fixed point to sums[part.size]. @returns as image_check().
  std::uint32_t (*image_take)(const ImageParts& parts, const float* w, const float* phi, std::int64_t* sums) = nullptr;
  /// The coordinator's step when this is the only update of the round; phi and w become the result.
  void (*image_step)(const ImageParts& parts, float* w, float* phi, double meta_learning_rate,
                     std::uint32_t weight) = nullptr;
  /// Multiplies and adds in registers, as fast as this core can without fusing them: the peak that `skink-sim bench`
  /// compares with. @returns how many multiplications and additions that were.
  std::uint64_t (*peak)(std::uint64_t loops) = nullptr;
  /// out[e][k] = phi[e] for every lane k.
  void (*spread)(const float* phi, std::size_t count, float* out) = nullptr;
};

/// Those that this processor can run, the widest first; "scalar" is always the last.
std::vector<const LaneFunctions*> available_lanes();

/// By name; null: this processor cannot, or there is no such name.
const LaneFunctions* find_lanes(const std::string& name);

}  // namespace skink::simulations
