#include "skink/host/files/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skink {
namespace {

/// -1 with errno.
int open_lock(const std::string& path) { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }

Error unavailable(const std::string& path) {
  return make_error(Status::kUnavailable, path + ": cannot be made: " + std::strerror(errno), Cause::kStore);
}

}  // namespace

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

Result<FolderLock> FolderLock::take(const std::string& folder, const std::string& if_taken) {
  auto lock = take_now(folder + "/.lock", folder + ": " + if_taken);
  if (!lock || ::access(folder.c_str(), W_OK | X_OK) == 0) return lock;
  return make_error(Status::kUnavailable, folder + ": cannot be written: " + std::strerror(errno), Cause::kStore);
}

Result<FolderLock> FolderLock::take_file(const std::string& path, const std::string& if_taken) {
  return take_now(path + ".lock", path + ": " + if_taken);
}

Result<FolderLock> FolderLock::take_now(const std::string& path, const std::string& if_taken) {
  FolderLock lock;
  lock.file_ = open_lock(path);
  if (lock.file_ < 0) return unavailable(path);
  if (::flock(lock.file_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return unavailable(path);
  return make_error(Status::kUnavailable, if_taken, Cause::kStore);
}

Result<FolderLock> FolderLock::wait_for(const std::string& path) {
  FolderLock lock;
  lock.file_ = open_lock(path);
  if (lock.file_ < 0) return unavailable(path);
  while (::flock(lock.file_, LOCK_EX) != 0) {
    if (errno != EINTR) return unavailable(path);
  }
  return lock;
}

}  // namespace skink
