#pragma once
/// @file
/// What differs between RP2040 and RP2350, and how the port uses pins and flash. Registers have the names of Raspberry
/// Pi's SDK, whose headers say where they are: RP2040 Datasheet, RP2350 Datasheet.

#include <hardware/regs/addressmap.h>
#include <hardware/regs/intctrl.h>
#include <hardware/structs/timer.h>
#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware::rp2 {

#if PICO_RP2040
inline constexpr uint32_t kAlarmInterrupt = TIMER_IRQ_0;
inline constexpr uint32_t kInterrupts = 26;
inline timer_hw_t* timer() noexcept { return timer_hw; }
#else
inline constexpr uint32_t kAlarmInterrupt = TIMER0_IRQ_0;
inline constexpr uint32_t kInterrupts = 52;
inline timer_hw_t* timer() noexcept { return timer0_hw; }
#endif
inline constexpr uint32_t kPinsInterrupt = IO_IRQ_BANK0;

// Pins. Those of the network chip are those of WIZnet's W5500-EVB-Pico and W5500-EVB-Pico2.
inline constexpr unsigned kConsoleSend = 0;
inline constexpr unsigned kConsoleReceive = 1;
inline constexpr unsigned kSpiReceive = 16;
inline constexpr unsigned kSpiSelect = 17;
inline constexpr unsigned kSpiClock = 18;
inline constexpr unsigned kSpiSend = 19;
inline constexpr unsigned kChipReset = 20;
inline constexpr unsigned kChipInterrupt = 21;

// Flash, from its begin; memory.ld has what stands before it: the image. In sectors of 4 KB.
inline constexpr uint32_t kSectorBytes = 4096;
inline constexpr uint32_t kIdentityOffset = 0x7F000;
inline constexpr uint32_t kIdentityBytes = 0x1000;
inline constexpr uint32_t kRecordingOffset = 0x80000;
inline constexpr uint32_t kRecordingBytes = 0x40000;
inline constexpr uint32_t kReleaseOffset = 0xC0000;
inline constexpr uint32_t kReleaseBytes = 0x40000;
inline constexpr uint32_t kStorageOffset = 0x100000;
inline constexpr uint32_t kStorageSectors = 256;
static_assert(kStorageOffset + kStorageSectors * kSectorBytes <= PICO_FLASH_SIZE_BYTES, "storage ends in the flash");

/// Microseconds since the reset.
uint64_t now_us() noexcept;

/// Waits; interrupts may make it longer. At most a second.
void pause_us(uint32_t microseconds) noexcept;

/// Raw bits of the noise source, one after the other and neither condensed nor checked: noise_entropy.cpp does both.
///
/// @returns kOk; kUnavailable: it does not run.
Status raw_noise(MutableBytes out) noexcept;

/// The flash chip's own number, other on every board. [8] bytes. No interrupt is served meanwhile.
void unique_id(MutableBytes out) noexcept;

}  // namespace skink::firmware::rp2
