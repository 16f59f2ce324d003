#pragma once
/// @file
/// Recorded tasks: labelled samples of one device in a block of memory, so that a device without sensors, in an
/// emulator or on a bench, gets the samples of a simulated one. `skink-sim record` writes them. Not a format to keep
/// data in.
///
/// Little-endian. Header of 32 bytes: magic "SKR1"; length of all; CRC-32 of everything after its first 12 bytes;
/// number of tasks; inputs of a sample; bytes of a stored input (1: whole numbers 0..255, 4: float32); targets of a
/// sample (a label is one, as are the targets that nothing is learned from); a word 0.
/// Then 24 bytes for each task, ascending by (kind, round, number): kind (0 adapt, 1 evaluate), round (ffffffff: any),
/// number (device index, or that of the evaluation task), support samples, query samples, where the samples begin. A
/// sample: its inputs, filled up to a multiple of 4 bytes, and its targets as float32; support samples first.

#include "skink/common/span.hpp"
#include "skink/edge/platform/samples.hpp"

namespace skink::edge {

namespace recording {

inline constexpr uint32_t kMagic = 0x31524b53;  ///< "SKR1"
inline constexpr size_t kHeaderBytes = 32;
inline constexpr size_t kTaskBytes = 24;
inline constexpr uint32_t kAnyRound = 0xffffffffU;
inline constexpr uint32_t kMaxInputs = 1U << 20;
inline constexpr uint32_t kMaxTargets = 65535;
inline constexpr uint32_t kMaxSamples = 1U << 20;  ///< support samples of a task, and query samples

}  // namespace recording

/// Reads one recording. Keep it where it is while the client lives: the source points here.
class Recording {
 public:
  /// @param[in] memory  borrowed; bytes after the recording are ignored.
  /// @returns
  /// * kOk
  /// * kUnavailable  erased memory: there is no recording.
  /// * kTruncated    `memory` is shorter than a header, or than the recording says.
  /// * kDamaged      another magic, a wrong CRC-32, or entries that contradict each other.
  /// * kUnsupported  inputs of a size that this build does not read.
  ///
  /// Cost: a CRC-32 over all of it. On an error the recording has no tasks.
  Status open(Bytes memory) noexcept;

  /// The recorded samples; borrows this object and its memory. begin() is kUnavailable for a task that was not
  /// recorded, input() kShapeMismatch for another number of inputs;
  /// target() is NaN, which no device learns from, for an output that has none.
  SampleSource source() noexcept;

  /// Tasks that were recorded.
  uint32_t tasks() const noexcept { return tasks_; }
  /// Inputs of a sample.
  uint32_t input_size() const noexcept { return inputs_; }

 private:
  struct Entry {
    uint32_t offset = 0;
    SampleCounts counts;
  };

  bool find(uint32_t kind, uint32_t round, uint32_t number, Entry& entry) const noexcept;
  size_t sample_bytes() const noexcept { return (size_t{inputs_} * input_bytes_ + 3) / 4 * 4 + 4 * size_t{targets_}; }
  const uint8_t* sample(SampleSet set, uint32_t index) const noexcept;
  static Status begin(void* context, const TaskRequest& request, SampleCounts& counts);
  static Status input(void* context, SampleSet set, uint32_t index, Span<float> stored);
  static float target(void* context, SampleSet set, uint32_t index, uint32_t output);

  Bytes memory_;
  uint32_t tasks_ = 0;
  uint32_t inputs_ = 0;
  uint32_t targets_ = 1;
  uint32_t input_bytes_ = 0;
  Entry current_;
};

}  // namespace skink::edge
