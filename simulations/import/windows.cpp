#include "windows.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

namespace skink::simulations {
namespace {

/// What may stand in dataset.json, as its parser sees it.
bool is_utf8(std::string_view text) {
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (is_ascii) return true;
  boost::json::error_code code;
  boost::json::parse(boost::json::serialize(boost::json::string(text)), code);
  return !code;
}

}  // namespace

Error WindowReader::refuse(std::size_t column, const std::string& reason) const {
  return make_error(Status::kDamaged, where() + ": column " + shown(columns_.names[column]) + ": " + reason);
}

double WindowReader::progress() const noexcept {
  return file_bytes_ > 0 ? static_cast<double>(csv_->bytes_read()) / file_bytes_ : 1;
}

Result<WindowReader> WindowReader::open(const ImportOptions& options) {
  WindowReader reader;
  reader.file_ = options.csv_file;
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
  reader.csv_ = std::make_unique<CsvReader>(*reader.stream_, options.csv_file);
  const Result<void> header = reader.read_header(options);
  if (!header) return header.error();
  return reader;
}

Result<void> WindowReader::read_header(const ImportOptions& options) {
  const Result<bool> has_header = csv_->next();
  if (!has_header) return has_header.error();
  if (!*has_header) return make_error(Status::kDamaged, file_ + ": is empty; its first line names the columns");
  std::vector<std::string> header;
  for (std::size_t c = 0; c < csv_->field_count(); ++c) header.emplace_back(trimmed(csv_->field(c)));
  auto columns = choose_columns(header, options, where());
  if (!columns) return columns.error();
  columns_ = std::move(*columns);
  values_.resize(columns_.values.size());
  return {};
}

Result<void> WindowReader::read_text(std::size_t column, std::string_view& out) const {
  out = trimmed(csv_->field(column));
  if (out.empty()) return refuse(column, "is empty");
  if (!is_utf8(out)) return refuse(column, shown(out) + " is not UTF-8; save the file as UTF-8");
  return {};
}

Result<void> WindowReader::read_split(std::size_t column) {
  struct Name {
    std::string_view text;
    Split split;
  };
  constexpr Name kNames[] = {{"train", Split::kTrain}, {"validation", Split::kValidation}, {"test", Split::kTest},
                             {"0", Split::kTrain},     {"1", Split::kValidation},          {"2", Split::kTest}};
  const std::string_view text = trimmed(csv_->field(column));
  for (const Name& name : kNames) {
    if (text != name.text) continue;
    split_ = name.split;
    return {};
  }
  return refuse(column, shown(text) + " is no split, use train, validation or test (or 0, 1, 2)");
}

Result<void> WindowReader::read_number(std::size_t column, double& out) const {
  std::string_view text = trimmed(csv_->field(column));
  if (text.empty()) return refuse(column, "is empty, wanted a number");
  const std::string_view whole = text;
  if (text.front() == '+' && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ptr != text.data() + text.size() || parsed.ec == std::errc::invalid_argument) {
    return refuse(column, shown(whole) + " is not a number");
  }
  const bool is_range_error = parsed.ec == std::errc::result_out_of_range;
  if (!is_range_error && !std::isfinite(out)) return refuse(column, shown(whole) + " is not a finite number");
  constexpr double kLargest = static_cast<double>(std::numeric_limits<float>::max());  // devices compute with float32
  if (is_range_error || std::abs(out) > kLargest) {
    return refuse(column, shown(whole) + " is too large or too small for float32");
  }
  return {};
}

Result<bool> WindowReader::next() {
  Result<bool> has_row = csv_->next();
  if (!has_row || !*has_row) return has_row;
  if (csv_->field_count() != columns_.names.size()) {
    return make_error(Status::kDamaged, where() + ": has " + std::to_string(csv_->field_count()) +
                                            " fields, the header has " + std::to_string(columns_.names.size()));
  }
  const Result<void> label = read_text(columns_.label, label_);
  if (!label) return label.error();
  const Result<void> device = read_text(columns_.device, device_);
  if (!device) return device.error();
  if (columns_.split) {
    const Result<void> split = read_split(*columns_.split);
    if (!split) return split.error();
  }
  for (std::size_t v = 0; v < values_.size(); ++v) {
    const Result<void> number = read_number(columns_.values[v], values_[v]);
    if (!number) return number.error();
  }
  return true;
}

}  // namespace skink::simulations
