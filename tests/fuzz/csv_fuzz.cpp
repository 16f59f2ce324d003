/// @file
/// Any bytes give rows or a reason with its line; what was read, written with quotes, is read again as it was.

#include <sstream>
#include <string>
#include <vector>

#include "harness.hpp"
#include "skink/host/files/files.hpp"
#include "skink/simulations/import/csv.hpp"

namespace skink::test {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// @returns false after an error, with the rows before it.
bool read_rows(const std::string& text, const simulations::CsvDialect& dialect, Rows& rows) {
  std::istringstream stream(text);
  simulations::CsvReader csv(stream, "fuzz.csv", dialect.separator);
  const Result<bool> skipped = csv.skip_lines(dialect.lines_before);
  if (!skipped) return false;
  std::uint64_t line = 0;
  while (true) {
    const Result<bool> has_row = csv.next();
    if (!has_row) {
      promise(has_row.error().message.rfind("fuzz.csv:", 0) == 0, "the reason names the file and the line");
      return false;
    }
    if (!*has_row) break;
    promise(csv.line() > line, "each row begins in a later line");
    promise(csv.field_count() > 0, "a row has a field");
    line = csv.line();
    rows.emplace_back();
    for (std::size_t c = 0; c < csv.field_count(); ++c) rows.back().emplace_back(csv.field(c));
  }
  promise(csv.bytes_read() == text.size(), "all is read");
  return true;
}

std::string quoted(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      text += c == 0 ? "\"" : ",\"";
      for (const char letter : row[c]) text += letter == '"' ? "\"\"" : std::string(1, letter);
      text += '"';
    }
    text += '\n';
  }
  return text;
}

}  // namespace

void fuzz_csv(Bytes input) {
  Rows rows;
  const simulations::CsvDialect dialect = simulations::detect_dialect(text_of(input), 1);
  promise(dialect.separator != '"' && dialect.separator != '\n', "a separator separates");
  if (!read_rows(std::string(text_of(input)), dialect, rows)) return;
  Rows again;
  promise(read_rows(quoted(rows), simulations::CsvDialect(), again), "what was read can be written and read");
  promise(again == rows, "and is the same");
}

}  // namespace skink::test
