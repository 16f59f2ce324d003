#pragma once
/// @file
/// Keeps two programs from writing in one folder, or to one file: each would replace what the other is writing. An
/// advisory lock, flock(2): it binds those who take it.

#include <string>
#include <utility>

#include "skink/host/result.hpp"

namespace skink {

/// A lock, held until it is destroyed or the process ends, in whatever way. The lock file stays.
class FolderLock {
 public:
  /// Takes `<folder>/.lock`; does not wait.
  /// @param[in] if_taken  what the error says of the folder when another program has it, with what to do.
  /// @returns kUnavailable if another process, or another lock in this one, has it, or nothing can be written there.
  static Result<FolderLock> take(const std::string& folder, const std::string& if_taken);

  /// Takes `<path>.lock`, for a file; does not wait. Errors as take(), with the file's path.
  static Result<FolderLock> take_file(const std::string& path, const std::string& if_taken);

  /// Takes the lock file `path`, waiting as long as another one has it: for work of milliseconds.
  /// @returns kUnavailable if the file cannot be made.
  static Result<FolderLock> wait_for(const std::string& path);

  /// Holds nothing. Moving construction hands the lock over; moving assignment exchanges the two.
  FolderLock() = default;
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }

 private:
  static Result<FolderLock> take_now(const std::string& path, const std::string& if_taken);

  int file_ = -1;  ///< -1: nothing
};

}  // namespace skink
