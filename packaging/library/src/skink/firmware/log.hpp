#pragma once
/// @file
/// Where the lines go that a device says for a person ("storage: the model cannot be kept"). Without a sink: nowhere.

#include <stddef.h>

namespace skink::firmware {

/// Takes a piece of a line, `count` bytes that are not zero-terminated; a line ends with '\n'. Called on the thread
/// that calls the device, and must not call it.
using LogSink = void (*)(void* context, const char* text, size_t count);

/// Sets where lines go from now on; null: nowhere. `context` is handed to the sink.
void set_log(LogSink sink, void* context) noexcept;

namespace port {

/// What the formatter of lines (console.hpp) writes to: the sink.
void console(const char* text, size_t count) noexcept;

}  // namespace port
}  // namespace skink::firmware
