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

class FolderWriter {
 public:
  /// Makes the temporary folder. kUnavailable when it cannot be, or when `folder` is there and not empty.
  static Result<std::unique_ptr<FolderWriter>> create(const std::string& folder, std::size_t records,
                                                      const std::vector<std::size_t>& shape, const char* descr);
  /// Removes what is not finished.
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  /// @param[in] sample  The bytes of one record of x.npy.
  /// @returns false when it cannot be written; finish() says why.
  bool add(std::string_view sample, std::uint16_t label, std::uint16_t client, Split split);
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
};

/// kUnavailable when `folder` is there and not an empty folder.
Result<void> check_vacant(const std::string& folder);

}  // namespace skink::simulations
