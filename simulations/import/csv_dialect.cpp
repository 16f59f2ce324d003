#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell_text.hpp"
#include "skink/simulations/import/csv.hpp"

namespace skink::simulations {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";
/// Where two would do, the first: a comma may be the decimal mark of a file that semicolons separate, never the other
/// way round.
constexpr std::string_view kSeparators = "\t;|,";
constexpr std::size_t kLines = 20;

std::string_view without_line(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return {};
  const bool is_pair = text.substr(end, 2) == "\r\n";
  return text.substr(end + (is_pair ? 2 : 1));
}

/// Of Excel's first line: sep=; with or without quotes.
std::optional<char> stated_separator(std::string_view text) {
  std::string line(text.substr(0, text.find_first_of("\r\n")));
  line.erase(std::remove(line.begin(), line.end(), '"'), line.end());
  if (line.size() < 5) return std::nullopt;
  std::string key = line.substr(0, 4);
  std::transform(key.begin(), key.end(), key.begin(), lower);
  const bool is_alone = line.find_first_not_of(' ', 5) == std::string::npos;
  if (key != "sep=" || !is_alone || is_upper(line[4]) || is_lower(line[4]) || is_digit(line[4]) || line[4] == ' ')
    return std::nullopt;
  return line[4];
}

/// How many separators each of the first lines that hold something has, outside of quotes and before something: one at
/// the end of each line separates nothing.
std::vector<std::size_t> counts_of(std::string_view text, char separator) {
  std::vector<std::size_t> counts;
  std::size_t count = 0;
  std::size_t pending = 0;  // separators that nothing has followed
  bool is_quoted = false;
  bool is_field_empty = true;  // nothing but blanks yet
  bool is_line_empty = true;
  const auto end_line = [&] {
    if (!is_line_empty) counts.push_back(count + (pending > 1 ? pending - 1 : 0));
    count = pending = 0;
    is_field_empty = is_line_empty = true;
  };
  for (const char c : text) {
    if (!is_quoted && (c == '\n' || c == '\r')) {
      end_line();
      if (counts.size() == kLines) return counts;
      continue;
    }
    is_line_empty = false;
    if (c == '"' && (is_quoted || is_field_empty)) {
      is_quoted = !is_quoted;  // a doubled quote closes and opens
    } else if (is_quoted) {
      is_field_empty = true;  // so that a quote after a closing one opens again
    } else if (c == separator) {
      ++pending;
      is_field_empty = true;
      continue;
    } else if (c == ' ' || c == '\t') {
      continue;
    } else {
      is_field_empty = false;
    }
    count += pending;
    pending = 0;
  }
  if (counts.empty()) end_line();  // a header without an end
  if (counts.empty()) counts.push_back(0);
  return counts;
}

}  // namespace

CsvDialect detect_dialect(std::string_view beginning, std::uint64_t header_line) {
  if (beginning.substr(0, kMark.size()) == kMark) beginning.remove_prefix(kMark.size());
  CsvDialect dialect;
  if (header_line <= 1) {
    const auto stated = stated_separator(beginning);
    if (stated) return {*stated, true, 1};
  }
  dialect.lines_before = header_line <= 1 ? 0 : header_line - 1;
  for (std::uint64_t l = 0; l < dialect.lines_before && !beginning.empty(); ++l) beginning = without_line(beginning);
  std::size_t most = 0;
  for (const char separator : kSeparators) {
    const std::vector<std::size_t> counts = counts_of(beginning, separator);
    const std::size_t in_header = counts.front();
    const bool is_steady = std::all_of(counts.begin(), counts.end(), [&](std::size_t n) { return n == in_header; });
    if (in_header > 0 && is_steady && counts.size() > 1) return {separator, true, dialect.lines_before};
    if (in_header <= most) continue;
    most = in_header;
    dialect.separator = separator;
    dialect.is_found = true;
  }
  return dialect;
}

}  // namespace skink::simulations
