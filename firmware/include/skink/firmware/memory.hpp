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

/// Size of the stack.
size_t stack_bytes() noexcept;

/// The most of the stack that was in use since the reset: bytes that no longer hold the start-up pattern.
size_t stack_bytes_used() noexcept;

}  // namespace skink::firmware
