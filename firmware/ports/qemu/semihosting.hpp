#pragma once
/// @file
/// Arm semihosting: what QEMU does for a program on the host's behalf (exit status, command line, files, time). Only
/// ports for QEMU use it. Reference: Semihosting for AArch32 and AArch64, Arm IHI 0100.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware::semihosting {

/// Ends QEMU with `status` as its exit status.
[[noreturn]] void exit(int status) noexcept;

/// The value of key=value in -semihosting-config arg=..., or `fallback`. Points into static memory.
const char* option(const char* key, const char* fallback) noexcept;

enum class Mode : uint32_t { kRead = 1, kUpdate = 3, kCreate = 7 };  ///< rb, r+b, w+b

/// A host file; negative: no such file.
int open(const char* path, Mode mode) noexcept;
bool seek(int file, uint32_t position) noexcept;
/// True when all bytes were moved.
bool read(int file, void* out, size_t count) noexcept;
bool write(int file, const void* bytes, size_t count) noexcept;
int32_t length(int file) noexcept;
void close(int file) noexcept;

/// Seconds since 1970 on the host's clock. With the option clock=none kUnavailable, as on a board without a clock; with
/// clock=SECONDS that time, as on a board whose clock is wrong.
Status wall_time(int64_t& unix_seconds) noexcept;

/// Random bits of the host. With the option entropy=none kUnavailable, as of a generator that is broken; with entropy=N
/// (a digit) the first N times after a reset.
Status entropy(MutableBytes out) noexcept;

}  // namespace skink::firmware::semihosting
