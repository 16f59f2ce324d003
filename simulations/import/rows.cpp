#include "rows.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "cell_text.hpp"
#include "file_format.hpp"

namespace skink::simulations {
namespace {

constexpr std::size_t kBeginningBytes = std::size_t{1} << 20;
constexpr std::uint64_t kWatchEvery = 256;  // rows
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr double kMostSeconds = 1e15;

double seconds_per(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMilliseconds: return 1e-3;
    case TimeUnit::kMicroseconds: return 1e-6;
    case TimeUnit::kNanoseconds: return 1e-9;
    case TimeUnit::kSeconds: break;
  }
  return 1;
}

}  // namespace

std::string RowReader::where() const { return options_->csv_file + ":" + std::to_string(csv_->line()); }

std::string_view RowReader::trimmed_field(std::size_t column) const { return trimmed(csv_->field(column)); }

Error RowReader::refuse(std::size_t column, const std::string& reason) const {
  return make_error(Status::kDamaged, where() + ": column " + shown(columns_.names[column]) + ": " + reason);
}

Result<RowReader> RowReader::open(const ImportOptions& options, Watch watch) {
  RowReader reader(options, std::move(watch));
  std::error_code code;
  const auto status = std::filesystem::status(options.csv_file, code);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return make_error(Status::kUnavailable, options.csv_file + ": wanted a file; it is read twice");
  }
  errno = 0;
  reader.stream_ = std::make_unique<std::ifstream>(options.csv_file, std::ios::binary);
  if (!*reader.stream_) {
    return make_error(Status::kUnavailable, options.csv_file + ": cannot be read: " + std::strerror(errno));
  }
  const std::uintmax_t bytes = std::filesystem::file_size(options.csv_file, code);
  reader.file_bytes_ = code ? 0 : static_cast<double>(bytes);
  std::string beginning(kBeginningBytes, '\0');
  reader.stream_->read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  beginning.resize(static_cast<std::size_t>(reader.stream_->gcount()));
  reader.stream_->clear();
  reader.stream_->seekg(0);
  const Result<void> header = reader.read_header(beginning);
  if (!header) return header.error();
  return reader;
}

Result<void> RowReader::read_header(std::string_view beginning) {
  const std::string other = options_->header_line == 1 ? other_format(beginning) : "";
  if (!other.empty()) return make_error(Status::kDamaged, options_->csv_file + ": " + other);
  const CsvDialect dialect = detect_dialect(beginning, options_->header_line);
  separator_ = dialect.separator;
  csv_ = std::make_unique<CsvReader>(*stream_, options_->csv_file, separator_);
  const Result<bool> skipped = csv_->skip_lines(dialect.lines_before);
  if (!skipped) return skipped.error();
  const Result<bool> has_header = csv_->next();
  if (!has_header && !dialect.is_found) {
    return make_error(Status::kDamaged,
                      has_header.error().message +
                          "; columns are separated by commas, semicolons, tabs or bars: write them so "
                          "(R: write.csv, NumPy: delimiter=\",\")");
  }
  if (!has_header) return has_header.error();
  if (!*has_header) {
    return make_error(Status::kDamaged, options_->csv_file + (options_->header_line > 1
                                                                  ? ": --header-line: it has fewer lines"
                                                                  : ": is empty; its first line names the columns"));
  }
  std::vector<std::string> header;
  for (std::size_t c = 0; c < csv_->field_count(); ++c) header.emplace_back(trimmed_field(c));
  while (header.size() > 1 && header.back().empty()) header.pop_back();  // a separator at the end of each line
  auto columns = choose_columns(header, *options_, where());
  if (!columns) {
    Error error = columns.error();
    error.message += header_hint(beginning);
    return error;
  }
  columns_ = std::move(*columns);
  suspects_ = std::make_unique<Suspects>(columns_, options_->columns.empty());
  if (options_->data_line > 0) {
    const std::uint64_t next = csv_->next_line();
    if (options_->data_line < next) {
      return make_error(Status::kInvalidArgument, "--data-line: " + std::to_string(options_->data_line) +
                                                      " is not after the line that names the columns, " +
                                                      std::to_string(csv_->line()));
    }
    const Result<bool> units = csv_->skip_lines(options_->data_line - next);
    if (!units) return units.error();
  }
  return {};
}

/// Loggers write some lines before the one that names the columns.
std::string RowReader::header_hint(std::string_view beginning) const {
  constexpr std::uint64_t kMostLines = 200;
  for (std::size_t c = 0; c < csv_->field_count(); ++c) {
    DecimalMarks marks;
    if (parse_number(trimmed_field(c), separator_, 1, marks)) return "; does the file lack the line that names them?";
  }
  if (options_->header_line > 1) return "";
  std::uint64_t number = 1;
  while (!beginning.empty() && number <= kMostLines) {
    const std::size_t end = std::min(beginning.find_first_of("\r\n"), beginning.size());
    const std::string_view line = beginning.substr(0, end);
    const auto has = [line](const std::string& name) { return line.find(name) != std::string_view::npos; };
    if (number > csv_->line() && has(options_->device_column) && has(options_->label_column)) {
      return "; line " + std::to_string(number) + " seems to name the columns: --header-line " + std::to_string(number);
    }
    const bool is_pair = beginning.substr(end, 2) == "\r\n";
    beginning.remove_prefix(std::min(beginning.size(), end + (is_pair ? 2 : 1)));
    ++number;
  }
  return "";
}

Result<void> RowReader::read_text(std::size_t column, std::string_view& out) const {
  out = trimmed_field(column);
  if (out.empty()) return refuse(column, "is empty");
  const std::string fault = text_fault(out);
  if (!fault.empty()) return refuse(column, shown(out) + " " + fault + "; " + encoding_remedy(fault));
  return {};
}

Result<void> RowReader::read_split(std::size_t column) {
  struct Name {
    std::string_view text;
    Split split;
  };
  constexpr Name kNames[] = {{"train", Split::kTrain}, {"validation", Split::kValidation}, {"test", Split::kTest},
                             {"0", Split::kTrain},     {"1", Split::kValidation},          {"2", Split::kTest}};
  const std::string_view text = trimmed_field(column);
  for (const Name& name : kNames) {
    if (text != name.text) continue;
    split_ = name.split;
    return {};
  }
  return refuse(column, shown(text) + " is no split, use train, validation or test (or 0, 1, 2)");
}

Result<void> RowReader::read_time(std::size_t column) {
  const std::string_view text = trimmed_field(column);
  const auto iso = parse_iso8601(text);
  if (iso) {
    time_s_ = *iso;
    return {};
  }
  if (looks_like_time(text)) {
    return refuse(column, shown(text) + " is no number and not ISO 8601; write it as 2026-03-01T12:30:00.250");
  }
  const auto number = parse_number(text, separator_, line(), marks_);
  if (!number) return refuse(column, number.error().message);
  time_s_ = *number * seconds_per(options_->time_unit);
  if (std::abs(time_s_) > kMostSeconds) return refuse(column, shown(text) + " is no time; look at --time-unit");
  return {};
}

Result<void> RowReader::read_numbers(const std::vector<std::size_t>& columns, std::vector<double>& out) {
  out.resize(columns.size());
  for (std::size_t v = 0; v < columns.size(); ++v) {
    const std::string_view text = trimmed_field(columns[v]);
    if (text.empty()) return refuse(columns[v], "is empty, wanted a number");
    const auto number = parse_number(text, separator_, line(), marks_);
    if (!number) {
      constexpr std::string_view kPlain = " is not a number";
      const std::string& why = number.error().message;
      const bool is_plain =
          why.size() > kPlain.size() && why.compare(why.size() - kPlain.size(), kPlain.size(), kPlain) == 0;
      const bool may_be_text = is_plain && options_->columns.empty();
      return refuse(columns[v], why + (may_be_text ? "; if it is no measurement, name those with --columns" : ""));
    }
    out[v] = *number;
  }
  return {};
}

Result<void> RowReader::check_field_count() const {
  const std::size_t fields = csv_->field_count();
  const std::size_t wanted = columns_.names.size();
  bool is_good = fields >= wanted;
  for (std::size_t c = wanted; c < fields; ++c) is_good = is_good && trimmed_field(c).empty();
  if (is_good) return {};
  std::string hint;
  if (fields == wanted + 1) {
    hint = separator_ == ','
               ? "; does a text or number with a comma lack its quotes, or did R leave the name of its row "
                 "numbers out (row.names = FALSE)?"
               : "; did R leave the name of its row numbers out (row.names = FALSE)?";
  }
  return make_error(Status::kDamaged, where() + ": has " + std::to_string(fields) + " fields, the header has " +
                                          std::to_string(wanted) + hint);
}

bool RowReader::is_row_empty() const {
  for (std::size_t c = 0; c < csv_->field_count(); ++c) {
    if (!trimmed_field(c).empty()) return false;
  }
  return true;
}

/// Of files that were put one after another; each may have begun with a byte order mark.
bool RowReader::is_header() const {
  if (csv_->field_count() < columns_.names.size()) return false;
  const auto is_name = [this](std::size_t c) {
    std::string_view text = trimmed_field(c);
    if (c == 0 && text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
    return text == columns_.names[c];
  };
  if (!is_name(columns_.device)) return false;
  for (std::size_t c = 0; c < columns_.names.size(); ++c) {
    if (!is_name(c)) return false;
  }
  return true;
}

Result<bool> RowReader::next_row() {
  while (true) {
    Result<bool> has_row = csv_->next();
    if (!has_row || !*has_row) return has_row;
    if (++rows_ % kWatchEvery == 0) {
      const double part = file_bytes_ > 0 ? static_cast<double>(csv_->bytes_read()) / file_bytes_ : 1;
      const Result<void> watched = watch_(std::min(1.0, part));
      if (!watched) return watched.error();
    }
    if (is_header()) {
      ++headers_;
    } else if (is_row_empty()) {
      ++empty_rows_;
    } else {
      return true;
    }
  }
}

/// Of a reading.
bool RowReader::has_all_cells() const {
  const auto lacks = [this](std::size_t column) { return is_cell_missing(column); };
  return !(columns_.label && trimmed_field(*columns_.label).empty()) && !(columns_.time && lacks(*columns_.time)) &&
         std::none_of(columns_.values.begin(), columns_.values.end(), lacks) &&
         std::none_of(columns_.targets.begin(), columns_.targets.end(), lacks);
}

Result<void> RowReader::read_row() {
  Result<void> device = read_text(columns_.device, device_);
  if (!device) return device;
  is_complete_ = options_->raw.window == 0 || has_all_cells();
  if (!is_complete_) return {};
  label_ = kNoLabel;
  for (const Result<void>& read : {columns_.label ? read_text(*columns_.label, label_) : Result<void>(),
                                   columns_.recording ? read_text(*columns_.recording, recording_) : Result<void>(),
                                   columns_.split ? read_split(*columns_.split) : Result<void>(),
                                   columns_.time ? read_time(*columns_.time) : Result<void>()}) {
    if (!read) return read;
  }
  Result<void> read = read_numbers(columns_.values, values_);
  if (read) read = read_numbers(columns_.targets, targets_);
  return read;
}

Result<bool> RowReader::next() {
  Result<bool> has_row = next_row();
  if (!has_row || !*has_row) return has_row;
  Result<void> read = check_field_count();
  if (read) read = read_row();
  if (!read) return read.error();
  if (is_complete_) suspects_->add(device_, values_);
  for (const std::size_t column : columns_.unnamed) {
    const std::string problem = suspects_->add_unnamed(column, trimmed_field(column));
    if (!problem.empty()) return make_error(Status::kDamaged, where() + ": " + problem);
  }
  return true;
}

}  // namespace skink::simulations
