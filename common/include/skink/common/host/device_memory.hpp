#pragma once
/// @file
/// What an experiment asks of a device, known before any device exists.

#include <cstddef>

#include "skink/common/host/experiment.hpp"
#include "skink/common/nn/planner.hpp"

namespace skink {

/// Bytes. Every device adapts, and any may be asked to evaluate.
struct DeviceMemory {
  nn::MemoryPlan adapt;     ///< arena for a task of a round
  nn::MemoryPlan evaluate;  ///< arena for a task of an evaluation
  std::size_t model = 0;    ///< model file, as it is downloaded and kept in flash
  std::size_t update = 0;   ///< encoded change, as it is sent

  const nn::MemoryPlan& larger() const { return adapt.total < evaluate.total ? evaluate : adapt; }
};

DeviceMemory device_memory(const Experiment& experiment);

}  // namespace skink
