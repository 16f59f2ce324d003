#pragma once
/// @file
/// Where things are on the MPS2 boards. The FPGA image is SKINK_MPS2_IMAGE, which mps2.cmake defines: the name of a
/// namespace here. Recording and release stand in the board's PSRAM, 8 MB each; the emulator fills it from files.

#include <stdint.h>

namespace skink::firmware::port {

/// Cortex-M4F. Source: Arm DAI 0386.
namespace an386 {
inline constexpr uint32_t kClockHz = 25'000'000;
inline constexpr uintptr_t kUart = 0x40004000;
inline constexpr uintptr_t kDualTimer = 0x40002000;
inline constexpr uintptr_t kWatchdog = 0x40008000;
inline constexpr uintptr_t kEthernet = 0x40200000;
inline constexpr uint32_t kTimersInterrupt = 10;
inline constexpr uint32_t kEthernetInterrupt = 13;
inline constexpr uintptr_t kIdentity = 0x0007F000;
inline constexpr uintptr_t kRecording = 0x21000000;
inline constexpr uintptr_t kRelease = 0x21800000;
}  // namespace an386

/// Cortex-M7. Source: Arm DAI 0500.
namespace an500 {
inline constexpr uint32_t kClockHz = 25'000'000;
inline constexpr uintptr_t kUart = 0x40004000;
inline constexpr uintptr_t kDualTimer = 0x40002000;
inline constexpr uintptr_t kWatchdog = 0x40008000;
inline constexpr uintptr_t kEthernet = 0xA0000000;
inline constexpr uint32_t kTimersInterrupt = 10;
inline constexpr uint32_t kEthernetInterrupt = 13;
inline constexpr uintptr_t kIdentity = 0x0007F000;
inline constexpr uintptr_t kRecording = 0x60000000;
inline constexpr uintptr_t kRelease = 0x60800000;
}  // namespace an500

/// Cortex-M33 in the secure state: the secure aliases, which have bit 28. The PSRAM has one address. Source: Arm DAI
/// 0505.
namespace an505 {
inline constexpr uint32_t kClockHz = 20'000'000;
inline constexpr uintptr_t kUart = 0x50200000;
inline constexpr uintptr_t kDualTimer = 0x50002000;
inline constexpr uintptr_t kWatchdog = 0x50081000;
inline constexpr uintptr_t kEthernet = 0x52000000;
inline constexpr uint32_t kTimersInterrupt = 5;
inline constexpr uint32_t kEthernetInterrupt = 48;
inline constexpr uintptr_t kIdentity = 0x1007F000;
inline constexpr uintptr_t kRecording = 0x80000000;
inline constexpr uintptr_t kRelease = 0x80800000;
}  // namespace an505

namespace board_map = SKINK_MPS2_IMAGE;

}  // namespace skink::firmware::port
