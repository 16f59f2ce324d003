#pragma once
/// @file
/// Keeps two sweeps from computing in one folder: each would replace what the other is writing.

#include <string>

#include "skink/common/host/result.hpp"

namespace skink::simulations {

/// Held until it is destroyed, or the process ends, however that ends.
class FolderLock {
 public:
  /// @returns kUnavailable if another process, or another lock in this one, has it, or its file cannot be made.
  static Result<FolderLock> take(const std::string& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}

  int file_;  ///< -1: moved from
};

}  // namespace skink::simulations
