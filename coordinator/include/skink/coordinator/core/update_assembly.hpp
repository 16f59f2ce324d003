#pragma once
/// @file
/// Puts the chunks of one device's update together. Bounded by the length that the codec may have; nothing a device
/// says makes it larger.

#include <cstdint>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

class UpdateAssembly {
 public:
  enum class Step { kIncomplete, kComplete, kResend, kWrongShape };

  void reset();

  /// Takes one chunk. Chunks come in order; one that was taken already is ignored, a gap asks for a resend from
  /// next_chunk(). An update that is cut differently, or made with another residual, begins anew: its device was
  /// restarted. kWrongShape: lengths or offsets contradict each other.
  ///
  /// @param[in] most_bytes  what the codec's output may measure.
  Step take(const wire::Update& update, Bytes payload, std::size_t most_bytes);

  std::uint32_t next_chunk() const { return next_chunk_; }
  Bytes bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t total_ = 0;
  std::uint32_t residual_round_ = 0;
  std::uint32_t next_chunk_ = 0;
  std::uint32_t chunk_count_ = 0;
};

}  // namespace skink::coordinator
