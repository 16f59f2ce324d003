#pragma once
/// @file
/// How programs end. docs/exit-codes.md says what to do about each; a test compares the two.

namespace skink {

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
};

}  // namespace skink
