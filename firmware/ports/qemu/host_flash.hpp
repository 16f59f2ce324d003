#pragma once
/// @file
/// Flash that is a file on QEMU's host, so that it outlives the emulator: a sector is erased to ones, programming only
/// clears bits, and both go in small steps, so that a kill tears them as a power failure would.

#include "skink/firmware/flash.hpp"

namespace skink::firmware {

/// Opens the file that the option flash=PATH names and makes it if it is absent. Without the option the storage is
/// absent: every access is kUnavailable.
Flash open_host_flash(uint32_t sector_bytes, uint32_t sectors) noexcept;

}  // namespace skink::firmware
