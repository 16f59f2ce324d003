#pragma once
/// @file
/// Rows of a CSV file (RFC 4180), one after another, in bounded memory. It knows nothing of what the columns mean: that
/// is WindowReader's. Total: any bytes give rows or an error with the line.
///
/// Accepted beyond the RFC: a UTF-8 byte order mark, and lines that end in LF alone. Empty lines are passed over.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::simulations {

/// Reads rows of RFC 4180, one after another.
class CsvReader {
 public:
  static constexpr std::size_t kMostRowBytes = std::size_t{1} << 24;

  /// @param[in] stream  Borrowed; outlives the reader.
  /// @param[in] name    Stands for the file in messages.
  CsvReader(std::istream& stream, std::string name);

  /// Goes to the next row. @returns false at the end; kDamaged with "name:line: reason" for a quote that is not closed
  /// or stands inside a field, text after a closing quote, a lone carriage return, a zero byte, UTF-16, or a row beyond
  /// kMostRowBytes; kUnavailable when reading fails. After an error the reader is of no further use.
  Result<bool> next();

  /// Fields of the row; at least 1.
  std::size_t field_count() const noexcept { return ends_.size(); }
  /// Without its quotes. Valid until next().
  std::string_view field(std::size_t index) const noexcept;
  /// Where the row begins, from 1.
  std::uint64_t line() const noexcept { return row_line_; }
  std::uint64_t bytes_read() const noexcept { return bytes_before_ + at_; }

 private:
  static constexpr int kEnd = -1;
  enum class State : std::uint8_t {
    kBegin,   ///< of a field
    kPlain,   ///< in a field without quotes
    kQuoted,  ///< after an opening quote
    kClosed,  ///< after a quote that may have closed the field
  };

  int peek();
  int take();
  void fill();
  Result<void> skip_mark();
  /// Takes one character into the row. @returns true when the row is complete.
  Result<bool> step(int c);
  Result<bool> end_line();
  void end_field();
  Error refuse(std::uint64_t line, const std::string& reason) const;
  std::string column() const { return "column " + std::to_string(ends_.size() + 1); }

  std::istream& stream_;
  std::string name_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  std::uint64_t bytes_before_ = 0;  ///< what was in the buffer earlier
  std::uint64_t line_ = 1;
  std::uint64_t row_line_ = 0;
  std::uint64_t quote_line_ = 0;
  State state_ = State::kBegin;
  bool has_begun_ = false;
  std::string row_;  ///< the fields, one after another
  std::vector<std::size_t> ends_;
};

}  // namespace skink::simulations
