#pragma once
/// @file
/// A file or folder that is gone when whoever made it has ended, whichever way.

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace skink {

/// Removes a file, or a folder with what is in it, in the end, if it is there.
class RemovedAtEnd {
 public:
  /// Touches nothing yet.
  explicit RemovedAtEnd(std::string path) : path_(std::move(path)) {}
  /// What cannot be removed stays, without a word.
  ~RemovedAtEnd() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RemovedAtEnd(const RemovedAtEnd&) = delete;
  RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;

 private:
  std::string path_;
};

}  // namespace skink
