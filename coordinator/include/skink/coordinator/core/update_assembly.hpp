#pragma once
/// @file
/// Puts the chunks of one device's update together. Bounded by the length that the codec may have; nothing a device
/// says makes it larger.

#include <cstdint>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

/// The chunks of one device's update, as far as they have come.
class UpdateAssembly {
 public:
  /// What came of a chunk: take().
  enum class Step { kIncomplete, kComplete, kResend, kKnownGap, kWrongShape };

  /// Forgets all chunks and frees their memory.
  void reset();

  /// Takes one chunk.
  ///
  /// @returns
  /// * kIncomplete  it was taken, or had been taken before; others are missing.
  /// * kComplete    bytes() is the whole update.
  /// * kResend      chunks are missing before this one: the device is to send again from next_chunk().
  /// * kKnownGap    likewise, but kResend was said and the device's chunks still go up: it has not heard it yet.
  /// * kWrongShape  lengths or offsets contradict each other, or it is longer than `most_bytes`.
  ///
  /// Chunks are taken in order. An update that is cut differently, or made with another residual, begins anew: its
  /// device was restarted.
  ///
  /// @param[in] most_bytes  what the codec's output may measure.
  Step take(const wire::Update& update, Bytes payload, std::size_t most_bytes);

  /// The first chunk that is missing, and the bytes of those before it, valid until take() or reset().
  std::uint32_t next_chunk() const { return next_chunk_; }
  Bytes bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t total_ = 0;
  std::uint32_t residual_round_ = 0;
  std::uint32_t next_chunk_ = 0;
  std::uint32_t chunk_count_ = 0;
  std::uint32_t gap_chunk_ = 0;  // the last one after a gap; 0: there is no gap
};

}  // namespace skink::coordinator
