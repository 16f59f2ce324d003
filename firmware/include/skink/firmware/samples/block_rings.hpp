#pragma once
/// @file
/// Blocks of readings on their way from an interrupt to the main loop, for sensors that are too fast for an interrupt a
/// reading (ReadingRing is for those): a microphone, a FIFO, an ADC. BlockRing where software or a linked transfer asks
/// for the next block; DmaRing where a circular transfer writes on and on and says when a part of it is done.
///
/// Both have one producer, which may interrupt the consumer at any moment, and one consumer. No lock, nothing waits,
/// interrupts stay on. Each index is written by one side only, 32 bits at once, and stored with release after what it
/// hands over; the other side loads it with acquire.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/firmware/samples/shared_word.hpp"

namespace skink::firmware {

/// Readings that follow each other, [readings][axes].
struct Block {
  Span<const int16_t> readings;  ///< of the ring's memory, or of what take() copied to
  uint8_t label = 0;             ///< what the producer said of it (a button that is held), or kNoLabel
  bool after_gap = false;        ///< blocks before this one were lost
};

/// A queue of blocks. A block is filled where it lies: nothing is copied.
class BlockRing {
 public:
  /// Begins, empty. Before the interrupt is enabled.
  ///
  /// @param[in] memory  the blocks, one after another, caller-owned; borrowed for the life of the ring.
  /// @param[in] block   numbers of a block, at least 1; memory.size() is a power of two of them, at least 2.
  /// @param[in] notes   as many bytes as there are blocks, borrowed like `memory`.
  /// @returns kOk; kInvalidArgument for another number of blocks; kBufferTooSmall when `notes` has fewer bytes. On an
  ///          error nothing changes.
  Status begin(Span<int16_t> memory, size_t block, MutableBytes notes) noexcept;

  /// Producer: where the next block belongs; the same until commit(). Empty: the ring is full, or begin() was not
  /// called; the block that is due now is lost, counted, and the next one is marked.
  Span<int16_t> claim() noexcept;
  /// Producer: hands over the block of the last claim(), which was not empty. @param[in] label  below 128, or kNoLabel.
  void commit(uint8_t label) noexcept;
  /// Producer: the sensor itself lost readings.
  void note_gap() noexcept { gap_ = true; }

  /// Consumer: the oldest block. It stays as it is until release().
  /// @returns false: there is none, `block` is unchanged.
  bool front(Block& block) const noexcept;
  /// Consumer: the block of front() may be filled anew. Only after a front() that was true.
  void release() noexcept;

  /// Blocks that found the ring full since begin(). Either side.
  uint32_t lost() const noexcept { return load_relaxed(lost_); }

 private:
  Span<int16_t> place(uint32_t index) const noexcept { return memory_.subspan(index % blocks_ * block_, block_); }

  Span<int16_t> memory_;
  MutableBytes notes_;
  size_t block_ = 0;
  uint32_t blocks_ = 0;
  uint32_t head_ = 0;  ///< written by the producer
  uint32_t tail_ = 0;  ///< written by the consumer
  uint32_t lost_ = 0;  ///< written by the producer
  bool gap_ = false;   ///< the producer's
};

/// The memory of a circular transfer in parts: two for a controller that interrupts at half and at full, more for one
/// that can. The transfer does not stop for a main loop that is late; what it wrote over is counted and never handed
/// out.
///
/// The interrupt must not be masked while take() runs: that a part is being written over is known from its
/// predecessor's interrupt. A processor with a data cache must not cache `memory`.
class DmaRing {
 public:
  /// Begins. Before the transfer is started.
  ///
  /// @param[in] memory  what the transfer writes to, caller-owned; borrowed for the life of the ring.
  /// @param[in] parts   a power of two, 2..256, that divides memory.size().
  /// @param[in] notes   `parts` bytes, borrowed like `memory`.
  /// @returns kOk; kInvalidArgument for such a number of parts; kBufferTooSmall when `notes` has fewer bytes. On an
  ///          error nothing changes.
  Status begin(Span<int16_t> memory, uint32_t parts, MutableBytes notes) noexcept;

  /// Producer: the next part is whole, and the transfer goes on with the one after it. Once for each part, in their
  /// order: a handler that finds both half and full set calls it twice. An interrupt that comes late by a whole
  /// round cannot be noticed; then the parts are too short. @param[in] label  of the part, or kNoLabel.
  void part_done(uint8_t label) noexcept;

  /// Consumer: copies the oldest part that is still whole. With P parts it has P - 1 parts' time for that.
  ///
  /// @param[out] out    [part_size()]; unspecified when the result is false.
  /// @param[out] block  its readings are `out`; unchanged when the result is false.
  /// @returns false: no part is whole, or the transfer began to write over it meanwhile, which is counted; or `out` is
  ///          of another size.
  bool take(Span<int16_t> out, Block& block) noexcept;

  /// Numbers of a part.
  size_t part_size() const noexcept { return part_; }
  /// Parts that were written over before they were taken. Consumer.
  uint32_t lost() const noexcept { return lost_; }

 private:
  Span<int16_t> memory_;
  MutableBytes notes_;
  size_t part_ = 0;
  uint32_t parts_ = 0;
  uint32_t done_ = 0;   ///< written by the producer
  uint32_t taken_ = 0;  ///< the consumer's
  uint32_t lost_ = 0;   ///< the consumer's
  bool gap_ = false;    ///< the consumer's
};

}  // namespace skink::firmware
