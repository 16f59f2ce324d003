#pragma once
/// @file
/// Rows of a CSV file (RFC 4180), one after another, in bounded memory. It knows nothing of what the columns mean: that
/// is WindowReader's. Total: any bytes give rows or an error with the line.
///
/// Accepted beyond the RFC: other separators than the comma, a UTF-8 byte order mark, lines that end in LF or CR alone,
/// blanks around quotes. Empty lines are passed over.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::simulations {

/// How a file separates its fields.
struct CsvDialect {
  char separator = ',';
  bool is_found = false;           ///< the header has the separator
  std::uint64_t lines_before = 0;  ///< lines before the header: Excel's "sep=;", or what the caller said
};

/// Finds comma, semicolon, tab or bar: the one that the header has, and the lines after it as often, quoted fields
/// respected; else the one that the header has most often.
/// @param[in] beginning    The first bytes of the file, at best some lines; any bytes.
/// @param[in] header_line  The line that names the columns, from 1; at 1, an Excel line "sep=X" goes before it.
CsvDialect detect_dialect(std::string_view beginning, std::uint64_t header_line);

/// Reads rows of RFC 4180, one after another.
class CsvReader {
 public:
  static constexpr std::size_t kMostRowBytes = std::size_t{1} << 24;

  /// @param[in] stream     Borrowed; outlives the reader.
  /// @param[in] name       Stands for the file in messages.
  /// @param[in] separator  Of fields; not a quote, a blank or an end of a line.
  CsvReader(std::istream& stream, std::string name, char separator = ',');

  /// Passes over lines as they are, whatever is in them, from wherever the reader is: what stands before the header.
  /// @returns false when the file ends before; kDamaged for UTF-16.
  Result<bool> skip_lines(std::uint64_t lines);

  /// Goes to the next row. @returns false at the end; kDamaged with "name:line: reason" for a quote that is not closed
  /// or stands inside a field, text after a closing quote, a zero byte, UTF-16, or a row beyond kMostRowBytes;
  /// kUnavailable when reading fails. After an error the reader is of no further use.
  Result<bool> next();

  /// Fields of the row; at least 1.
  std::size_t field_count() const noexcept { return ends_.size(); }
  /// Without its quotes. Valid until next().
  std::string_view field(std::size_t index) const noexcept;
  /// Where the row begins, from 1.
  std::uint64_t line() const noexcept { return row_line_; }
  /// Where the next one begins, at the earliest.
  std::uint64_t next_line() const noexcept { return line_; }
  std::uint64_t bytes_read() const noexcept { return bytes_before_ + at_; }

 private:
  static constexpr int kEnd = -1;
  enum class State : std::uint8_t {
    kBegin,   ///< of a field
    kPlain,   ///< in a field without quotes
    kQuoted,  ///< after an opening quote
    kClosed,  ///< after a quote that may have closed the field
    kAfter,   ///< after blanks that followed a closing quote
  };

  int peek();
  int take();
  void fill();
  Result<void> skip_mark();
  /// Takes one character into the row. @returns true when the row is complete.
  Result<bool> step(int c);
  void step_quoted(int c);
  Result<void> step_quote();
  std::size_t field_begin() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  Result<bool> end_line();
  void end_field();
  Error refuse(std::uint64_t line, const std::string& reason) const;
  std::string column() const { return "column " + std::to_string(ends_.size() + 1); }

  std::istream& stream_;
  std::string name_;
  char separator_;
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
