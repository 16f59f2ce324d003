#include "semihosting.hpp"

#include <string.h>

namespace skink::firmware::semihosting {
namespace {

enum class Operation : int {
  kOpen = 0x01,
  kClose = 0x02,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0a,
  kLength = 0x0c,
  kTime = 0x11,
  kCommandLine = 0x15,
  kExitExtended = 0x20,
};

constexpr uintptr_t kApplicationExit = 0x20026;

intptr_t call(Operation operation, const void* arguments) noexcept {
#if defined(__riscv)
  register intptr_t a0 asm("a0") = static_cast<intptr_t>(operation);
  register const void* a1 asm("a1") = arguments;
  asm volatile(
      ".option push\n.option norvc\n.balign 16\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
#else
  register intptr_t r0 asm("r0") = static_cast<intptr_t>(operation);
  register const void* r1 asm("r1") = arguments;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
#endif
}

/// The command line, read once.
char* command_line() noexcept {
  static char line[512];
  static bool is_read = false;
  if (!is_read) {
    is_read = true;
    struct {
      char* text;
      uintptr_t size;
    } arguments{line, sizeof line - 1};
    if (call(Operation::kCommandLine, &arguments) != 0) line[0] = 0;
    for (char* at = strchr(line, ' '); at != nullptr; at = strchr(at + 1, ' ')) *at = 0;  // words, each with its 0
  }
  return line;
}

}  // namespace

void exit(int status) noexcept {
  const uintptr_t arguments[2] = {kApplicationExit, static_cast<uintptr_t>(status)};
  for (;;) (void)call(Operation::kExitExtended, arguments);
}

const char* option(const char* key, const char* fallback) noexcept {
  const size_t length = strlen(key);
  for (const char* word = command_line(); *word != 0; word += strlen(word) + 1) {
    if (strncmp(word, key, length) == 0 && word[length] == '=') return word + length + 1;
  }
  return fallback;
}

int open(const char* path, Mode mode) noexcept {
  const uintptr_t arguments[3] = {reinterpret_cast<uintptr_t>(path), static_cast<uintptr_t>(mode), strlen(path)};
  return static_cast<int>(call(Operation::kOpen, arguments));
}

void close(int file) noexcept {
  const auto argument = static_cast<uintptr_t>(file);
  (void)call(Operation::kClose, &argument);
}

bool seek(int file, uint32_t position) noexcept {
  const uintptr_t arguments[2] = {static_cast<uintptr_t>(file), position};
  return call(Operation::kSeek, arguments) == 0;
}

bool read(int file, void* out, size_t count) noexcept {
  const uintptr_t arguments[3] = {static_cast<uintptr_t>(file), reinterpret_cast<uintptr_t>(out), count};
  return call(Operation::kRead, arguments) == 0;
}

bool write(int file, const void* bytes, size_t count) noexcept {
  const uintptr_t arguments[3] = {static_cast<uintptr_t>(file), reinterpret_cast<uintptr_t>(bytes), count};
  return call(Operation::kWrite, arguments) == 0;
}

int32_t length(int file) noexcept {
  const auto argument = static_cast<uintptr_t>(file);
  return static_cast<int32_t>(call(Operation::kLength, &argument));
}

Status wall_time(int64_t& unix_seconds) noexcept {
  const char* clock = option("clock", "host");
  if (*clock == 'n') return Status::kUnavailable;
  if (*clock >= '0' && *clock <= '9') {
    unix_seconds = 0;
    for (; *clock >= '0' && *clock <= '9'; ++clock) unix_seconds = unix_seconds * 10 + (*clock - '0');
    return Status::kOk;
  }
  unix_seconds = static_cast<uint32_t>(call(Operation::kTime, nullptr));
  return Status::kOk;
}

Status entropy(MutableBytes out) noexcept {
  const char* first = option("entropy", "host");
  if (*first == 'n') return Status::kUnavailable;
  static int failures = 0;
  if (*first >= '0' && *first <= '9' && failures < *first - '0') {
    ++failures;
    return Status::kUnavailable;
  }
  const int file = open("/dev/urandom", Mode::kRead);
  if (file < 0) return Status::kUnavailable;
  const bool is_read = read(file, out.data(), out.size());
  close(file);
  return is_read ? Status::kOk : Status::kUnavailable;
}

}  // namespace skink::firmware::semihosting
