#pragma once
/// @file
/// What a board provides. A port implements every function of this header and of nic.hpp once; everything else of the
/// firmware is the same on every board. docs/porting.md walks through a new one, ports/template compiles.
///
/// All functions run on one thread; none is called from an interrupt, and an interrupt of the port calls nothing here.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/firmware/flash.hpp"

namespace skink::firmware {

/// Why the board was reset. Travels in the birth message as a number.
enum class ResetReason : uint8_t { kUnknown = 0, kPowerOn = 1, kSoftware = 2, kWatchdog = 3, kFault = 4 };

/// How an image that ends has ended.
enum class Verdict : uint8_t { kFailed, kPassed };

namespace port {

/// Clocks, console, tick, network pins. First call after feed_watchdog(); interrupts may be on when it returns.
void initialize() noexcept;

/// Writes to the console, and waits until it is taken, at most a second in all while the transmitter does not move;
/// then text is dropped until it does.
void console(const char* text, size_t count) noexcept;

/// Milliseconds since the reset; never goes back, never wraps.
uint64_t now_ms() noexcept;

/// Fills `out` with bits that nobody can guess; keys depend on them. As every wait of a port, that for the generator
/// has a bound (wait.hpp).
///
/// @returns kOk; kUnavailable: `out` is unspecified, and the device does not connect.
Status entropy(MutableBytes out) noexcept;

/// Seconds since 1970 UTC from a clock that runs without power.
///
/// @returns kOk; kUnavailable where there is none, `unix_seconds` is unchanged: then the time comes from the network
///          before any certificate is checked.
Status wall_time(int64_t& unix_seconds) noexcept;

/// Sleeps until an interrupt, that of the network chip among them, at most until `until_ms`, and no longer than the
/// watchdog allows. May return early.
void sleep(uint64_t until_ms) noexcept;

/// As sleep(), of a device that has no connection and needs none until then: a port may stop what would wake it, its
/// network chip and its watchdog. May return early. A port without it sleeps.
void hibernate(uint64_t until_ms) noexcept;

/// What is left in the battery, 0..100; 255: mains powered, or not known. Asked once a second. A port without it says
/// 255.
uint32_t battery_percent() noexcept;

/// Starts the watchdog with the first call, which is the first of all: the startup code makes it before constructors
/// and initialize(), so that a start that hangs is reset too. It needs nothing of theirs. Without another call for 8 s
/// or more the board resets. A port whose board has no watchdog does nothing.
void feed_watchdog() noexcept;

/// Why the board was reset the last time; the same for the whole run.
ResetReason reset_reason() noexcept;

/// Resets the board; `reason` is what reset_reason() says afterwards (kSoftware or kFault).
[[noreturn]] void restart(ResetReason reason) noexcept;

/// The end of an image that has one (self-test, benchmark): an emulator exits with status 0 or 1, a board stays as it
/// is, and feeds its watchdog.
[[noreturn]] void finish(Verdict verdict) noexcept;

/// The identity partition (docs/identity.md), readable like memory for the whole run.
Bytes identity_partition() noexcept;

/// Memory that may hold a recording (skink/edge/recording.hpp); empty where a board has no room for one.
Bytes recording_partition() noexcept;

/// Memory that may hold the model that the device begins with (docs/release.md); empty where a board has none.
Bytes release_partition() noexcept;

/// Storage for models and round state, the same object for the whole run; not the part that holds code or identity.
Flash& storage() noexcept;

/// Two sectors for the journal, on parts whose sectors are of unequal size: small ones here, large ones in storage(). A
/// port that does not define it has the journal in the first two sectors of storage().
Flash& journal_storage() noexcept;

}  // namespace port
}  // namespace skink::firmware
