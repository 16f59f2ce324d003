#include "skink/host/program/exit_codes.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace skink {

ExitCode exit_code_of(const Error& error, ExitCode otherwise) noexcept {
  switch (error.cause) {
    case Cause::kUnsaid: return otherwise;
    case Cause::kUsage: return ExitCode::kUsage;
    case Cause::kConfiguration: return ExitCode::kConfiguration;
    case Cause::kData: return ExitCode::kData;
    case Cause::kCredentials: return ExitCode::kCredentials;
    case Cause::kStore: return ExitCode::kStore;
  }
  return otherwise;
}

int end_program(const char* program, int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fprintf(stderr, "%s: standard output cannot be written: %s\n", program,
               errno != 0 ? std::strerror(errno) : "output failed");
  return code == static_cast<int>(ExitCode::kOk) ? static_cast<int>(ExitCode::kStore) : code;
}

void catch_signals(void (*handler)(int signal)) {
  std::signal(SIGINT, handler);  // also where a shell's background made it ignored: tests and scripts send it
  std::signal(SIGTERM, handler);
  struct sigaction before {};
  if (::sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) std::signal(SIGHUP, handler);
}

}  // namespace skink
