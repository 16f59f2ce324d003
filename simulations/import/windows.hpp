#pragma once
/// @file
/// The windows of a CSV file, one after another, checked and as numbers.

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columns.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/import/csv.hpp"

namespace skink::simulations {

class WindowReader {
 public:
  /// Opens the file and reads its header. Errors: as import_csv.
  static Result<WindowReader> open(const ImportOptions& options);

  /// Goes to the next window. @returns false at the end; kDamaged with file, line, column and reason.
  Result<bool> next();

  const Columns& columns() const noexcept { return columns_; }
  std::string_view label() const noexcept { return label_; }
  std::string_view device() const noexcept { return device_; }
  /// Train, where no column says it.
  Split split() const noexcept { return split_; }
  /// Finite numbers within float32, as many as columns().values.
  const std::vector<double>& values() const noexcept { return values_; }

  /// An error at the present line: file:line: column "name": reason.
  Error refuse(std::size_t column, const std::string& reason) const;
  /// The part of the file that is read, 0..1.
  double progress() const noexcept;

 private:
  WindowReader() = default;
  Result<void> read_header(const ImportOptions& options);
  Result<void> read_text(std::size_t column, std::string_view& out) const;
  Result<void> read_split(std::size_t column);
  Result<void> read_number(std::size_t column, double& out) const;
  std::string where() const { return file_ + ":" + std::to_string(csv_->line()); }

  std::string file_;
  double file_bytes_ = 0;
  std::unique_ptr<std::ifstream> stream_;
  std::unique_ptr<CsvReader> csv_;
  Columns columns_;
  std::string_view label_;
  std::string_view device_;
  Split split_ = Split::kTrain;
  std::vector<double> values_;
};

}  // namespace skink::simulations
