#pragma once
/// @file
/// What the linker left: the arena and the stack's high-water mark.

#include <stddef.h>

#include "skink/common/span.hpp"

namespace skink::firmware {

/// All RAM that nothing else uses, 8-byte aligned: parameters, activations and scratch of a task.
MutableBytes arena() noexcept;

size_t stack_bytes() noexcept;

/// The most that was in use since the reset.
size_t stack_bytes_used() noexcept;

}  // namespace skink::firmware
