#pragma once
/// @file
/// How programs end: exit codes, signals, and output that could not be written. docs/exit-codes.md says what to do
/// about each code; a test compares the two.

#include "skink/host/result.hpp"

namespace skink {

/// The exit codes of all programs.
enum class ExitCode : int {
  kOk = 0,
  kInternal = 1,           ///< a bug of ours
  kUsage = 2,              ///< the command line
  kConfiguration = 3,      ///< an experiment or configuration file
  kData = 4,               ///< a data set or file is absent or damaged
  kCredentials = 5,        ///< a certificate or key is unreadable, or the peer refuses it
  kUnreachable = 6,        ///< no connection to the broker
  kUnsoundArithmetic = 7,  ///< this process's floating point is not what it must be
  kStore = 8,              ///< the store, a result file or the disk
  kDifferent = 9,          ///< two results that must be equal are not
  kNothingLearned = 10,    ///< a run has ended, and nothing of it was learned
};

/// By the error's cause; `otherwise` where none was said.
ExitCode exit_code_of(const Error& error, ExitCode otherwise) noexcept;

/// What main() returns: `code`, unless what was printed could not be written (a full disk), which is said on standard
/// error as `program`.
int end_program(const char* program, int code);

/// From now on SIGINT, SIGTERM and SIGHUP (a terminal that is closed) call `handler`; a SIGHUP that is ignored
/// stays so, as nohup has it.
void catch_signals(void (*handler)(int signal));

}  // namespace skink
