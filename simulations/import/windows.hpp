#pragma once
/// @file
/// The windows of a CSV file, one after another: its rows, or what a raw log is cut into.

#include <cstdint>
#include <memory>

#include "rows.hpp"
#include "windower.hpp"

namespace skink::simulations {

class WindowReader {
 public:
  /// Opens the file and reads its header. `options` outlive the reader. Errors: as import_csv.
  static Result<WindowReader> open(const ImportOptions& options, Watch watch);

  /// Goes to the next window. @returns false at the end; kDamaged with file, line, column and reason.
  Result<bool> next();

  /// Valid until next().
  const Window& window() const noexcept { return window_; }
  const RowReader& rows() const noexcept { return *rows_; }
  /// Complete after the last window; zeros where each row is one.
  RawLogCounts counts() const { return windower_ ? windower_->counts() : RawLogCounts(); }

 private:
  WindowReader() = default;

  std::unique_ptr<RowReader> rows_;  ///< where the windower's columns stay where they are
  std::unique_ptr<Windower> windower_;
  Window window_;
};

}  // namespace skink::simulations
