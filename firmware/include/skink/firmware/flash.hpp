#pragma once
/// @file
/// Flash memory as NOR parts behave: a sector is erased to ones, programming clears bits, and power may go at any
/// moment, which leaves a sector or a write half done.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware {

/// A row of equal sectors. Addresses count from 0 at the first one.
struct Flash {
  void* context = nullptr;    ///< handed to the functions below
  uint32_t sector_bytes = 0;  ///< what one erasure erases
  uint32_t sectors = 0;       ///< how many
  /// Writes come in multiples of it at multiples of it, each place once between two erasures. 1..32, a power of 2.
  uint32_t program_bytes = 4;
  /// Where address 0 can be read like memory, also between writes; else null. Encoding a change is faster with it.
  const uint8_t* mapped = nullptr;

  // What a port provides. Each returns kUnavailable when the part does not answer in the time that its data sheet
  // allows; none waits without a bound. A new model erases all sectors of a slot in a row: a part that needs seconds
  // for that feeds the watchdog in erase_function. The content is read back here; a port need not. Flash with ECC: what
  // a torn write left cannot be read, which is data and no fault: read_function then returns another status than kOk,
  // and never traps.
  /// Fills `out` from `address`, any address and length inside the sectors.
  Status (*read_function)(void* context, uint32_t address, MutableBytes out) = nullptr;
  /// Programs erased bytes; address and length are multiples of program_bytes.
  Status (*program_function)(void* context, uint32_t address, Bytes bytes) = nullptr;
  /// Erases sector number `sector`, 0..sectors - 1.
  Status (*erase_function)(void* context, uint32_t sector) = nullptr;

  /// Fills `out` from `address`; the caller stays inside the sectors. @returns kOk; kUnavailable: the part failed.
  Status read(uint32_t address, MutableBytes out) const { return read_function(context, address, out); }
  /// Programs erased bytes, and reads them back. @returns kOk: they are there; kUnavailable: the part failed, or holds
  /// something else although it reported success, as a worn cell or a supply that is too low does.
  Status program(uint32_t address, Bytes bytes) const noexcept;
  /// Erases a sector, and reads it back. @returns kOk: all is ones; else kUnavailable, as above.
  Status erase(uint32_t sector) const noexcept;

 private:
  /// Are these the bytes from `address` on? Null: ones.
  Status verify(uint32_t address, const uint8_t* expected, uint32_t count) const noexcept;
};

}  // namespace skink::firmware
