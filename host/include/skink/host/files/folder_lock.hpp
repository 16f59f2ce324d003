#pragma once
/// @file
/// Keeps two programs from writing in one folder, or to one file: each would replace what the other is writing.

#include <string>
#include <utility>

#include "skink/host/result.hpp"

namespace skink {

/// Held until it is destroyed, or the process ends, however that ends. The file itself stays.
class FolderLock {
 public:
  /// `<folder>/.lock`.
  /// @param[in] if_taken  what the error says of the folder when another program has it, with what to do.
  /// @returns kUnavailable if another process, or another lock in this one, has it, or nothing can be written there.
  static Result<FolderLock> take(const std::string& folder, const std::string& if_taken);
  /// `<path>.lock`, for a file. Errors as take(), with the file's path.
  static Result<FolderLock> take_file(const std::string& path, const std::string& if_taken);
  /// Waits while another one has the lock file `path`: for work of milliseconds.
  /// @returns kUnavailable if the file cannot be made.
  static Result<FolderLock> wait_for(const std::string& path);

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
