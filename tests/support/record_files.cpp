/// @file
/// A library for LD_PRELOAD: writes down every operation on files below SKINK_RECORD_ROOT, in order, with all data, to
/// the file SKINK_RECORD. tests/faults/power_cut.hpp reads it. One process, which ends by itself.
///
/// A record: its kind, then its fields, each as "<length>:<bytes>".
///   o fd path flags     opened            w fd offset bytes   written       t fd bytes     cut to so many bytes
///   s fd                synchronised      c fd                closed        m path         folder made
///   r from to flags     renamed           u path              removed

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>

namespace {

constexpr int kMaxFiles = 4096;
bool is_tracked[kMaxFiles];
std::mutex lock;  // guards the record and is_tracked

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int record_file() {
  static const int file = [] {
    const char* path = std::getenv("SKINK_RECORD");
    return path == nullptr ? -1
                           : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path,
                                                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }();
  return file;
}

void record(char kind, std::initializer_list<std::string_view> fields) {
  std::string text(1, kind);
  for (const std::string_view field : fields) text.append(std::to_string(field.size())).append(":").append(field);
  ::syscall(SYS_write, record_file(), text.data(), text.size());
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  char base[4096];
  const std::string link = folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(folder);
  const ssize_t length = ::readlink(link.c_str(), base, sizeof base);
  return std::string(base, length > 0 ? static_cast<std::size_t>(length) : 0) + "/" + path;
}

bool is_below_root(const std::string& path) {
  static const char* const root = std::getenv("SKINK_RECORD_ROOT");
  return root != nullptr && path.rfind(root, 0) == 0;
}

bool is_of_interest(int file) { return file >= 0 && file < kMaxFiles && is_tracked[file]; }

void opened(int file, const std::string& path, int flags) {
  if (file < 0 || file >= kMaxFiles || !is_below_root(path)) return;
  const std::lock_guard guard(lock);
  is_tracked[file] = true;
  record('o', {std::to_string(file), path, std::to_string(flags)});
}

void written(int file, off_t offset, std::string_view bytes) {
  record('w', {std::to_string(file), std::to_string(offset), bytes});
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  const auto file = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  opened(file, absolute(folder, path), flags);
  return file;
}

FILE* open_stream(const char* name, const char* path, const char* mode) {
  FILE* const stream = real<FILE* (*)(const char*, const char*)>(name)(path, mode);
  if (stream == nullptr) return nullptr;
  const int flags = mode[0] == 'w' ? O_CREAT | O_TRUNC : mode[0] == 'a' ? O_CREAT | O_APPEND : 0;
  opened(::fileno(stream), absolute(AT_FDCWD, path), flags);
  return stream;
}

int synchronised(int file, int result) {
  const std::lock_guard guard(lock);
  if (result == 0 && is_of_interest(file)) record('s', {std::to_string(file)});
  return result;
}

int rename_at(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) {
  const std::string old_path = absolute(from_folder, from);
  const std::string new_path = absolute(to_folder, to);
  const std::lock_guard guard(lock);
  const auto result = static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  if (result == 0 && is_below_root(new_path)) record('r', {old_path, new_path, std::to_string(flags)});
  return result;
}

int remove_at(int folder, const char* path, int flags) {
  const std::string name = absolute(folder, path);
  const std::lock_guard guard(lock);
  const auto result = static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
  if (result == 0 && is_below_root(name)) record('u', {name});
  return result;
}

int make_at(int folder, const char* path, mode_t mode) {
  const std::string name = absolute(folder, path);
  const std::lock_guard guard(lock);
  const auto result = static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
  if (result == 0 && is_below_root(name)) record('m', {name});
  return result;
}

ssize_t write_at(int file, const void* data, std::size_t bytes, off_t offset) {
  const auto result = static_cast<ssize_t>(::syscall(SYS_pwrite64, file, data, bytes, offset));
  const std::lock_guard guard(lock);
  if (result > 0 && is_of_interest(file)) {
    written(file, offset, {static_cast<const char*>(data), static_cast<std::size_t>(result)});
  }
  return result;
}

}  // namespace

extern "C" {

#define SKINK_OPEN(name)                           \
  int name(const char* path, int flags, ...) {     \
    va_list arguments;                             \
    va_start(arguments, flags);                    \
    const mode_t mode = mode_of(flags, arguments); \
    va_end(arguments);                             \
    return open_at(AT_FDCWD, path, flags, mode);   \
  }
#define SKINK_OPEN_AT(name)                                \
  int name(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const mode_t mode = mode_of(flags, arguments);         \
    va_end(arguments);                                     \
    return open_at(folder, path, flags, mode);             \
  }
SKINK_OPEN(open)
SKINK_OPEN(open64)
SKINK_OPEN_AT(openat)
SKINK_OPEN_AT(openat64)
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): names of glibc, with _FORTIFY_SOURCE
int __open_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char* path, int flags) { return open_at(folder, path, flags, 0); }
int __openat64_2(int folder, const char* path, int flags) { return open_at(folder, path, flags, 0); }
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
int creat(const char* path, mode_t mode) { return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
FILE* fopen(const char* path, const char* mode) { return open_stream("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return open_stream("fopen64", path, mode); }

int close(int file) {
  {
    const std::lock_guard guard(lock);
    if (is_of_interest(file)) record('c', {std::to_string(file)});
    if (file >= 0 && file < kMaxFiles) is_tracked[file] = false;
  }
  return static_cast<int>(::syscall(SYS_close, file));
}

ssize_t write(int file, const void* data, std::size_t bytes) {
  const std::lock_guard guard(lock);
  if (!is_of_interest(file)) return ::syscall(SYS_write, file, data, bytes);
  const auto result = static_cast<ssize_t>(::syscall(SYS_write, file, data, bytes));
  if (result > 0) {
    written(file, ::lseek(file, 0, SEEK_CUR) - result,
            {static_cast<const char*>(data), static_cast<std::size_t>(result)});
  }
  return result;
}

ssize_t writev(int file, const iovec* parts, int count) {
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t result = write(file, parts[i].iov_base, parts[i].iov_len);
    if (result < 0) return total > 0 ? total : result;
    total += result;
    if (static_cast<std::size_t>(result) < parts[i].iov_len) break;
  }
  return total;
}

ssize_t pwrite(int file, const void* data, std::size_t bytes, off_t offset) {
  return write_at(file, data, bytes, offset);
}
ssize_t pwrite64(int file, const void* data, std::size_t bytes, off64_t offset) {
  return write_at(file, data, bytes, offset);
}

int ftruncate(int file, off_t bytes) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_ftruncate, file, bytes));
  const std::lock_guard guard(lock);
  if (result == 0 && is_of_interest(file)) record('t', {std::to_string(file), std::to_string(bytes)});
  return result;
}

int fsync(int file) { return synchronised(file, static_cast<int>(::syscall(SYS_fsync, file))); }
int fdatasync(int file) { return synchronised(file, static_cast<int>(::syscall(SYS_fdatasync, file))); }

int rename(const char* from, const char* to) noexcept { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return rename_at(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) noexcept {
  return rename_at(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept { return remove_at(AT_FDCWD, path, 0); }
int remove(const char* path) noexcept {
  const int result = remove_at(AT_FDCWD, path, 0);
  return result != 0 && errno == EISDIR ? remove_at(AT_FDCWD, path, AT_REMOVEDIR) : result;
}
int rmdir(const char* path) noexcept { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int folder, const char* path, int flags) noexcept { return remove_at(folder, path, flags); }
int mkdir(const char* path, mode_t mode) noexcept { return make_at(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char* path, mode_t mode) noexcept { return make_at(folder, path, mode); }

}  // extern "C"
