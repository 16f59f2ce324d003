#pragma once
/// @file
/// A text file that grows by lines while a program runs.

#include <fstream>
#include <string>
#include <string_view>

#include "skink/host/result.hpp"

namespace skink {

/// Not thread-safe. Not synchronised with the disk: a power cut may lose the last lines.
class LineFile {
 public:
  /// What open() does with a file that exists: empties it, or adds to its end.
  enum class Existing { kReplace, kContinue };

  /// Opens the file; a new or empty one gets the heading as its first line.
  /// @returns kUnavailable when it cannot be written; the message begins with the path.
  static Result<LineFile> open(const std::string& path, std::string_view heading, Existing existing);

  /// Adds a line and hands it to the operating system, so that a kill loses none. written() tells of failures.
  void add(std::string_view line) { file_ << line << std::endl; }

  /// Were all lines written?
  /// @returns kUnavailable when one was not; the message begins with the path.
  Result<void> written() const;

 private:
  LineFile(std::string path, std::ofstream file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  std::ofstream file_;
};

}  // namespace skink
