#pragma once
/// @file
/// Readings of a three-axis sensor on their way from its interrupt to the main loop.

#include <stdint.h>

#include "skink/firmware/samples/shared_word.hpp"

namespace skink::firmware {

inline constexpr uint8_t kNoLabel = 255;

/// 8 bytes. All zero when it begins, so that a ring costs no flash.
struct Reading {
  int16_t axes[3] = {};
  uint8_t label = 0;       ///< what the device does just now, if somebody says it (a button that is held), or kNoLabel
  bool after_gap = false;  ///< readings before this one were lost
};

/// A queue with one producer and one consumer, each of which may interrupt the other at any moment: push() and
/// note_gap() in the sensor's interrupt (or in the main loop, for a sensor that is polled), the rest in the main loop.
/// No lock, nothing waits, interrupts stay on. Not for two interrupts of different priority that both push.
///
/// What makes it safe: each index is written by one side only, 32 bits at once, after the reading that it hands over.
class ReadingRing {
 public:
  /// 1.28 s at 100 Hz: longer than the main loop is away, but for a TLS handshake on a slow core, which costs readings.
  static constexpr uint32_t kCapacity = 128;
  static_assert((kCapacity & (kCapacity - 1)) == 0, "the indices wrap at 2^32");

  /// Producer. False: full, this reading is lost, and the next one that fits is marked.
  bool push(int16_t x, int16_t y, int16_t z, uint8_t label) noexcept {
    const uint32_t head = head_;
    if (head - load_acquire(tail_) == kCapacity) {
      note_gap();
      store_relaxed(lost_, lost_ + 1);
      return false;
    }
    readings_[head % kCapacity] = {{x, y, z}, label, gap_};
    gap_ = false;
    store_release(head_, head + 1);
    return true;
  }

  /// Producer: the sensor itself lost readings (its FIFO ran over, it slept).
  void note_gap() noexcept { gap_ = true; }

  /// Consumer. False: empty.
  bool pop(Reading& reading) noexcept {
    const uint32_t tail = tail_;
    if (load_acquire(head_) == tail) return false;
    reading = readings_[tail % kCapacity];
    store_release(tail_, tail + 1);
    return true;
  }

  /// Readings that found the ring full since the start. Either side.
  uint32_t lost() const noexcept { return load_relaxed(lost_); }

 private:
  Reading readings_[kCapacity];
  uint32_t head_ = 0;  ///< written by the producer
  uint32_t tail_ = 0;  ///< written by the consumer
  uint32_t lost_ = 0;  ///< written by the producer
  bool gap_ = false;   ///< the producer's
};

}  // namespace skink::firmware
