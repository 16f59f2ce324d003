#pragma once
/// @file
/// How a command of skinkctl ends.

#include <cstdio>
#include <string>

#include "skink/host/program/exit_codes.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::ctl {

inline constexpr int kOk = static_cast<int>(ExitCode::kOk);

inline int fail(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "skinkctl: %s\n", printable(message).c_str());
  return static_cast<int>(code);
}

/// kUsage for an argument that is refused, else by the error's cause.
inline int fail(const Error& error, ExitCode otherwise) {
  const bool is_usage = error.code == Status::kInvalidArgument;
  return fail(is_usage ? ExitCode::kUsage : exit_code_of(error, otherwise), error.message);
}

}  // namespace skink::ctl
