#pragma once
/// @file
/// A text file that grows by lines while a program runs.

#include <fstream>
#include <string>
#include <string_view>

#include "skink/host/result.hpp"

namespace skink {

class LineFile {
 public:
  enum class Existing { kReplace, kContinue };

  /// Opens the file; a new or empty one gets the heading. Errors begin with the path.
  static Result<LineFile> open(const std::string& path, std::string_view heading, Existing existing);

  /// Adds a line and hands it to the operating system, so that a kill loses none.
  void add(std::string_view line) { file_ << line << std::endl; }

  /// Is everything written? The error begins with the path.
  Result<void> written() const;

 private:
  LineFile(std::string path, std::ofstream file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  std::ofstream file_;
};

}  // namespace skink
