#pragma once
/// @file
/// What the linker left: the arena and the stack, and how much of them was in use.

#include <stddef.h>

#include "skink/common/span.hpp"

namespace skink::firmware {

/// All RAM that nothing else uses, 8-byte aligned: parameters, activations and scratch of a task.
MutableBytes arena() noexcept;

/// How far into the arena something was written since the reset; what the planner says is enough (skinkctl model show).
size_t arena_bytes_touched() noexcept;

size_t stack_bytes() noexcept;

/// The most that was in use since the reset.
size_t stack_bytes_used() noexcept;

}  // namespace skink::firmware
