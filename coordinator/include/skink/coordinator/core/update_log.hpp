#pragma once
/// @file
/// updates.csv: a line with the SHA-256 of every change that was taken (docs/experiment-output.md). Two ways of
/// computing one experiment write the same lines, in another order; so it tells which device of which round computed
/// something else.

#include <fstream>
#include <string>

#include "skink/common/host/result.hpp"
#include "skink/coordinator/core/coordinator.hpp"

namespace skink::coordinator {

class UpdateLog {
 public:
  enum class Existing { kReplace, kContinue };

  /// Opens the file, with a heading if it is new. Errors begin with the path.
  static Result<UpdateLog> open(const std::string& path, Existing existing);

  /// Adds a line and hands it to the operating system, so that a kill loses none.
  void add(const TakenUpdate& update);

  /// The first line that could not be written, if any.
  Result<void> written() const;

 private:
  UpdateLog(std::string path, std::ofstream file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  std::ofstream file_;
};

}  // namespace skink::coordinator
