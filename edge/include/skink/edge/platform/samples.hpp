#pragma once
/// @file
/// Where a device's labelled samples come from: sensors and memory on a product, a data set or a generator on a host.
/// Synchronous: a small struct of callbacks.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

enum class SampleSet : uint8_t { kSupport, kQuery };

/// Which task is asked for. A product with one task of its own ignores all of it; generators draw the task from it
/// (docs/arithmetic.md, section 10).
struct TaskRequest {
  uint64_t seed = 0;
  uint32_t round = 0;
  uint32_t number = 0;  ///< device index, or number of the evaluation task
  bool is_evaluation = false;
};

struct SampleCounts {
  uint32_t support = 0;
  uint32_t query = 0;
};

struct SampleSource {
  void* context = nullptr;
  /// Makes the task current. kUnavailable when there are not enough samples yet.
  Status (*begin)(void* context, const TaskRequest& request, SampleCounts& counts) = nullptr;
  /// Writes a sample's stored values (before the model's scale and offset), as many as the model has inputs;
  /// kShapeMismatch when samples of this source have another size.
  Status (*input)(void* context, SampleSet set, uint32_t index, Span<float> stored) = nullptr;
  /// The label as a whole number, 0 to the model's outputs - 1; of a regression the wanted value of `output`, finite. A
  /// device refuses a task with any other (NO_DATA). Asked for after input() where samples cannot be read again.
  float (*target)(void* context, SampleSet set, uint32_t index, uint32_t output) = nullptr;
  /// May support samples be read again, in any order? If not, the arena keeps them when more than one pass or an order
  /// needs them.
  bool replayable = true;
};

}  // namespace skink::edge
