#pragma once
/// @file
/// Where a device's labelled samples come from: sensors and memory on a product, a data set or a generator on a host.
/// Synchronous: a small struct of callbacks, called by the thread that calls the client, never from an interrupt.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

/// The two halves of a task.
enum class SampleSet : uint8_t {
  kSupport,  ///< what the inner loop fits
  kQuery,    ///< held-out samples that score the fit, or whose gradient a task wants; no other task asks for them
};

/// Which task is asked for. A product with one task of its own ignores all of it; generators draw the task from it
/// (docs/arithmetic.md, section 10).
struct TaskRequest {
  uint64_t seed = 0;           ///< of the experiment
  uint32_t round = 0;          ///< from 0; of evaluations always 0
  uint32_t number = 0;         ///< device index, or number of the evaluation task
  bool is_evaluation = false;  ///< a task of a held-out device
};

/// Samples of the current task.
struct SampleCounts {
  uint32_t support = 0;  ///< at least 1, or the task is refused
  uint32_t query = 0;    ///< of evaluations, where 0 scores nothing, and of tasks that want their gradient: at least 1
};

/// Labelled samples of one device. All three callbacks must be set; with one that is not, no task can begin:
/// TaskRunner::begin() returns kUnavailable, and a client refuses every task with NO_DATA. The samples of a task must
/// not change between its begin() and its last step.
struct SampleSource {
  void* context = nullptr;  ///< handed to the callbacks; borrowed as long as the source is used
  /// Makes the task current and says how many samples it has.
  ///
  /// @returns kOk; kUnavailable when there are not enough samples yet; any other status refuses the task too, except
  ///          kInvalidArgument (INVALID_TASK) and kBufferTooSmall (DOES_NOT_FIT) all with NO_DATA.
  Status (*begin)(void* context, const TaskRequest& request, SampleCounts& counts) = nullptr;
  /// Writes a sample's stored values (before the model's scale and offset).
  ///
  /// @param[in]  index   0..count of the set - 1
  /// @param[out] stored  [D], as many as the model has inputs
  /// @returns kOk; kShapeMismatch when samples of this source have another size; any other status, too, ends the task
  ///          with NO_DATA.
  Status (*input)(void* context, SampleSet set, uint32_t index, Span<float> stored) = nullptr;
  /// What the network should say of a sample: of a classifier (`output` is 0) the label as a whole number, 0 to the
  /// model's outputs - 1; of a regression the wanted value of `output`, finite. A device refuses a task with any other
  /// (NO_DATA). Asked for after input() where samples cannot be read again.
  float (*target)(void* context, SampleSet set, uint32_t index, uint32_t output) = nullptr;
  /// May support samples be read again, in any order? If not, each is read once, in ascending order, and the arena
  /// keeps them all.
  bool replayable = true;
  /// How many samples there are, held back or not, for the birth message: a coordinator asks nobody who has none. Not
  /// called while a task is worked on. Null: the birth does not say.
  ///
  /// @param[out] of_class  [64] of each label, in order from 0 on, their number, at most 255; the rest is left as it is
  /// @param[out] classes   how many of them were written, 0..64; 0 where targets are not labels
  /// @returns how many there are
  uint32_t (*count)(void* context, MutableBytes of_class, uint32_t& classes) = nullptr;

  /// Are all callbacks set?
  bool is_complete() const noexcept { return begin != nullptr && input != nullptr && target != nullptr; }
};

}  // namespace skink::edge
