#pragma once
/// @file
/// Writes the folder of a data set, record by record. It grows beside its final place and is renamed at the end, so
/// that there is never half a data set.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

/// A file that knows its SHA-256.
class HashedFile {
 public:
  HashedFile(std::string folder, std::string name);
  void add(std::string_view bytes);
  /// False after a failure, which finish() reports.
  bool is_good() const noexcept { return failure_.empty(); }
  /// Closes it. @returns the line of sha256sums.
  Result<std::string> finish();

 private:
  std::string name_;
  std::string path_;
  std::ofstream file_;
  crypto::Sha256 hash_;
  std::string failure_;
};

/// The first bytes of a .npy file of format 1.0, as NumPy writes them.
std::string npy_heading(const char* descr, const std::vector<std::size_t>& shape);

/// What the arrays of a data set will be like.
struct FolderShape {
  std::size_t records = 0;
  std::vector<std::size_t> sample;  ///< extents of a record of x.npy
  const char* descr = "";           ///< of x.npy
  bool has_time = false;
  bool has_recording = false;
  std::size_t targets = 0;  ///< 0: no target.npy
};

/// One record.
struct FolderRecord {
  std::string_view sample;  ///< its bytes in x.npy
  std::uint16_t label = 0;
  std::uint16_t client = 0;
  Split split = Split::kTrain;
  float time = 0;
  std::uint16_t recording = 0;
  std::string_view targets;  ///< its bytes in target.npy
};

class FolderWriter {
 public:
  /// Makes the temporary folder. kUnavailable when it cannot be, or when `folder` is there and not empty.
  static Result<std::unique_ptr<FolderWriter>> create(const std::string& folder, const FolderShape& shape);
  /// Removes what is not finished.
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  /// @returns false when it cannot be written; finish() says why.
  bool add(const FolderRecord& record);
  /// Writes dataset.json and sha256sums and puts the folder in its place.
  Result<void> finish(std::string_view description);

 private:
  FolderWriter(std::string folder, std::string temporary);

  std::string folder_;
  std::string temporary_;
  bool is_finished_ = false;
  HashedFile x_;
  HashedFile classes_;
  HashedFile clients_;
  HashedFile splits_;
  std::unique_ptr<HashedFile> times_;  ///< these are null where there is no such file
  std::unique_ptr<HashedFile> recordings_;
  std::unique_ptr<HashedFile> targets_;
};

/// kUnavailable when `folder` is there and not an empty folder.
Result<void> check_vacant(const std::string& folder);

}  // namespace skink::simulations
