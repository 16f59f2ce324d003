#pragma once
/// @file
/// What an experiment asks of a device, known before any device exists.

#include <algorithm>
#include <cstddef>

#include "skink/common/nn/planner.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// Bytes. Every device adapts, and any may be asked to evaluate.
struct DeviceMemory {
  nn::MemoryPlan adapt;            ///< arena for a task of a round
  nn::MemoryPlan evaluate;         ///< arena for a task of an evaluation
  std::size_t patching = 0;        ///< arena while a model is patched; 0: models are fetched whole
  std::size_t latent = 0;          ///< RAM more for a support sample that frozen layers compute once; 0: none is kept
  std::size_t adapt_moved = 0;     ///< in place of adapt.parameters, where flash is read like memory: what moves
  std::size_t evaluate_moved = 0;  ///< in place of evaluate.parameters, likewise
  std::size_t model = 0;           ///< model file, as it is downloaded and kept in flash
  std::size_t update = 0;          ///< encoded change, as it is sent, at most
  std::size_t patch = 0;           ///< encoded step of a round, at most; 0: models are fetched whole

  /// Bytes of the arena that suffices for all of it, one after the other.
  std::size_t arena() const { return std::max({adapt.total, evaluate.total, patching}); }
  /// The same when the residual is in flash, where a device keeps two of adapt.residual bytes.
  std::size_t arena_without_residual() const {
    const std::size_t patching_alone = patching == 0 ? 0 : patching - adapt.residual;
    return std::max({adapt.total - adapt.residual, evaluate.total, patching_alone});
  }
};

/// Computes the memory of a device that takes part in `experiment`, which read_experiment() has checked. Support
/// samples are not buffered: a device that cannot read them again needs more (nn::PlanRequest::buffered_samples).
/// Cannot fail; a size may be larger than any device has.
DeviceMemory device_memory(const Experiment& experiment);

}  // namespace skink
