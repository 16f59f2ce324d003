#include "program_log.hpp"

namespace skink::gateway {

EventLog& program_log() {
  static EventLog log("skink-coordinator");
  return log;
}

void say(LogLevel level, const char* event, const std::string& text, std::uint64_t run) {
  program_log().write({level, event, text, run, ""});
}

int fail(ExitCode code, const std::string& message) {
  say(LogLevel::kError, "program.failed", message);
  return static_cast<int>(code);
}

int fail(const Error& error, ExitCode otherwise) { return fail(exit_code_of(error, otherwise), error.message); }

}  // namespace skink::gateway
