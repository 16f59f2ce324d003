#pragma once
/// @file
/// WIZnet W5500: Ethernet over SPI. Only its MAC and PHY are used (MACRAW): TCP/IP is lwIP's, as on every board.
/// Source: W5500 datasheet, version 1.1.0. No lwIP in here, so that hosts test it against a model of the chip.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware {

/// An SPI device: mode 0, most significant bit first, at most 33 MHz.
struct SpiDevice {
  void* context = nullptr;  ///< handed to the function
  /// Selects the chip, sends `header` and `out`, then receives `in`, and releases it; `out` or `in` may be empty.
  /// @returns kOk; kUnavailable: the bus did not move in time.
  Status (*exchange)(void* context, Bytes header, Bytes out, MutableBytes in) = nullptr;
};

/// One W5500. Not ISR-safe; no wait of it is without a bound.
class W5500 {
 public:
  static constexpr size_t kMaxFrameBytes = 1514;  ///< without frame check
  static constexpr size_t kMinFrameBytes = 14;    ///< a header

  explicit W5500(const SpiDevice& device) noexcept : device_(device) {}

  /// Resets the chip and opens it for frames to `address`, to all and to groups, with an interrupt for each that comes.
  ///
  /// @param[in] address  [6] bytes, an individual address
  /// @returns kOk; kUnavailable: there is no such chip, or it does not do what it is told.
  Status start(Bytes address) noexcept;

  /// Sends a frame of kMinFrameBytes..kMaxFrameBytes bytes, and waits until it is on the wire.
  ///
  /// @returns
  /// * kOk               it has been sent; the chip fills up short frames.
  /// * kInvalidArgument  no frame has so many bytes.
  /// * kBufferTooSmall   the chip has no room now: nothing was sent.
  /// * kUnavailable      the chip or the bus does not answer.
  Status send(Bytes frame) noexcept;

  /// Takes the oldest frame out of the chip.
  ///
  /// @param[out] frame  at least kMaxFrameBytes bytes; unspecified behind the frame
  /// @param[out] bytes  of the frame; 0: there is none
  /// @returns
  /// * kOk              `frame` and `bytes` are what it says.
  /// * kBufferTooSmall  `frame` is smaller than kMaxFrameBytes; nothing was taken.
  /// * kDamaged         what is in the chip cannot be frames: it was emptied, and goes on. `bytes` is 0.
  /// * kUnavailable     the chip or the bus does not answer. `bytes` is 0.
  Status receive(MutableBytes frame, size_t& bytes) noexcept;

  /// Ends the interrupt. Before receive(): a frame that comes in between raises it again.
  /// @returns kOk; kUnavailable: the bus does not answer.
  Status clear_interrupt() noexcept;

  /// Is there a cable with something at its other end? False too where the chip does not answer.
  bool has_link() noexcept;

 private:
  Status read(uint8_t block, uint16_t address, MutableBytes in) noexcept;
  Status write(uint8_t block, uint16_t address, Bytes out) noexcept;
  Status read_byte(uint8_t block, uint16_t address, uint8_t& value) noexcept;
  Status write_byte(uint8_t block, uint16_t address, uint8_t value) noexcept;
  Status read_word(uint16_t address, uint16_t& value) noexcept;
  Status write_word(uint16_t address, uint16_t value) noexcept;
  Status read_steady(uint16_t address, uint16_t& value) noexcept;
  Status command(uint8_t command) noexcept;
  Status open() noexcept;

  SpiDevice device_;
};

}  // namespace skink::firmware
