#pragma once
/// @file
/// The rows of a CSV file, one after another, checked and as numbers: each a window, or a reading of a raw log.

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell_number.hpp"
#include "columns.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/import/csv.hpp"
#include "suspects.hpp"

namespace skink::simulations {

/// The class of every window where no column names one.
inline constexpr std::string_view kNoLabel = "all";

/// Called now and then with the part of the file that is read, 0..1; an error stops the reading.
using Watch = std::function<Result<void>(double)>;

class RowReader {
 public:
  /// Opens the file and reads its header. `options` outlive the reader. Errors: as import_csv.
  static Result<RowReader> open(const ImportOptions& options, Watch watch);

  /// Goes to the next row that holds something. @returns false at the end; kDamaged with file, line, column and reason.
  Result<bool> next();

  const Columns& columns() const noexcept { return columns_; }
  std::string_view label() const noexcept { return label_; }
  std::string_view device() const noexcept { return device_; }
  std::string_view recording() const noexcept { return recording_; }
  /// Train, where no column says it.
  Split split() const noexcept { return split_; }
  /// In seconds; 0 without a column.
  double time_s() const noexcept { return time_s_; }
  /// Finite numbers within float32, as many as columns().values and columns().targets.
  const std::vector<double>& values() const noexcept { return values_; }
  const std::vector<double>& targets() const noexcept { return targets_; }
  /// False for a reading of a raw log that lacks its label, its time or a number: of the others it says nothing then.
  bool is_complete() const noexcept { return is_complete_; }

  std::uint64_t line() const noexcept { return csv_->line(); }
  /// Rows that hold nothing but separators, so far.
  std::uint64_t empty_rows() const noexcept { return empty_rows_; }
  /// Rows that repeat the header, so far.
  std::uint64_t repeated_headers() const noexcept { return headers_; }
  /// What the rows so far say of columns that may be none of the sample.
  const Suspects& suspects() const noexcept { return *suspects_; }

  /// An error at the present line: file:line: column "name": reason.
  Error refuse(std::size_t column, const std::string& reason) const;

 private:
  explicit RowReader(const ImportOptions& options, Watch watch) : options_(&options), watch_(std::move(watch)) {}
  Result<void> read_header(std::string_view beginning);
  std::string header_hint(std::string_view beginning) const;
  bool is_row_empty() const;
  bool is_header() const;
  Result<bool> next_row();
  Result<void> check_field_count() const;
  Result<void> read_row();
  Result<void> read_text(std::size_t column, std::string_view& out) const;
  Result<void> read_split(std::size_t column);
  Result<void> read_time(std::size_t column);
  Result<void> read_numbers(const std::vector<std::size_t>& columns, std::vector<double>& out);
  bool is_cell_missing(std::size_t column) const { return is_missing(trimmed_field(column)); }
  std::string_view trimmed_field(std::size_t column) const;
  bool has_all_cells() const;
  std::string where() const;

  const ImportOptions* options_;
  Watch watch_;
  double file_bytes_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t empty_rows_ = 0;
  std::uint64_t headers_ = 0;
  char separator_ = ',';
  std::unique_ptr<std::ifstream> stream_;
  std::unique_ptr<CsvReader> csv_;
  std::unique_ptr<Suspects> suspects_;
  DecimalMarks marks_;
  Columns columns_;
  std::string_view label_;
  std::string_view device_;
  std::string_view recording_;
  Split split_ = Split::kTrain;
  double time_s_ = 0;
  bool is_complete_ = true;
  std::vector<double> values_;
  std::vector<double> targets_;
};

}  // namespace skink::simulations
