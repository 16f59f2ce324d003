#pragma once
/// @file
/// The log of skink-coordinator, and the end that a failure has.

#include <string>

#include "skink/host/program/event_log.hpp"
#include "skink/host/program/exit_codes.hpp"
#include "skink/host/result.hpp"

namespace skink::gateway {

/// The process has one.
EventLog& program_log();
/// A line of it.
/// @param[in] run  number; 0: of none
void say(LogLevel level, const char* event, const std::string& text, std::uint64_t run = 0);
/// Says why the program ends. @returns the exit code; of an error that says its cause, that cause's.
int fail(ExitCode code, const std::string& message);
int fail(const Error& error, ExitCode otherwise);

}  // namespace skink::gateway
