#include "skink/simulations/import/csv.hpp"

#include <utility>

namespace skink::simulations {

namespace {

constexpr const char* kUtf16 = "is UTF-16, not UTF-8; save it as \"CSV UTF-8\", or iconv -f UTF-16 -t UTF-8";

bool is_blank(int c) { return c == ' ' || c == '\t'; }

}  // namespace

CsvReader::CsvReader(std::istream& stream, std::string name, char separator)
    : stream_(stream), name_(std::move(name)), separator_(separator), buffer_(std::size_t{1} << 16) {}

Error CsvReader::refuse(std::uint64_t line, const std::string& reason) const {
  return make_error(Status::kDamaged, name_ + ":" + std::to_string(line) + ": " + reason);
}

void CsvReader::fill() {
  bytes_before_ += size_;
  at_ = 0;
  stream_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  size_ = static_cast<std::size_t>(stream_.gcount());
}

int CsvReader::peek() {
  if (at_ == size_) fill();
  return at_ == size_ ? kEnd : static_cast<unsigned char>(buffer_[at_]);
}

int CsvReader::take() {
  const int c = peek();
  if (c != kEnd) ++at_;
  return c;
}

Result<void> CsvReader::skip_mark() {
  if (has_begun_) return {};
  has_begun_ = true;
  const int first = peek();
  if (first == 0xfe || first == 0xff) return refuse(1, kUtf16);
  if (first != 0xef) return {};
  take();
  if (take() != 0xbb || take() != 0xbf) {
    return refuse(1, "is not UTF-8: it begins with byte 0xef and no byte order mark; save it as \"CSV UTF-8\"");
  }
  if (peek() == 0xef) return refuse(1, "begins with two byte order marks; save it as \"CSV UTF-8\" once more");
  return {};
}

Result<bool> CsvReader::skip_lines(std::uint64_t lines) {
  const Result<void> skipped = skip_mark();
  if (!skipped) return skipped.error();
  while (lines > 0) {
    const int c = take();
    if (c == kEnd) return false;
    if (c != '\n' && c != '\r') continue;
    if (c == '\r' && peek() == '\n') take();
    ++line_;
    --lines;
  }
  return true;
}

std::string_view CsvReader::field(std::size_t index) const noexcept {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(row_).substr(begin, ends_[index] - begin);
}

void CsvReader::end_field() {
  ends_.push_back(row_.size());
  state_ = State::kBegin;
}

/// A line ends outside of quotes.
Result<bool> CsvReader::end_line() {
  const bool is_empty = ends_.empty() && state_ == State::kBegin;
  ++line_;
  if (is_empty) {
    row_line_ = line_;
    return false;
  }
  end_field();
  return true;
}

void CsvReader::step_quoted(int c) {
  if (c == '"') {
    state_ = State::kClosed;
    return;
  }
  if (c == '\n' || (c == '\r' && peek() != '\n')) ++line_;
  row_ += static_cast<char>(c);
}

/// A quote outside of quotes: it opens them, or stands for itself after one that seemed to close them.
Result<void> CsvReader::step_quote() {
  if (state_ == State::kAfter) return refuse(line_, column() + " has text after its closing quote");
  if (state_ == State::kClosed) row_ += '"';
  if (state_ == State::kPlain) {
    const std::size_t begin = field_begin();
    if (row_.find_first_not_of(" \t", begin) != std::string::npos) {
      return refuse(line_, column() + " has a quote inside; quote the field and double it");
    }
    row_.resize(begin);
  }
  if (state_ != State::kClosed) quote_line_ = line_;
  state_ = State::kQuoted;
  return {};
}

Result<bool> CsvReader::step(int c) {
  if (c == 0) return refuse(line_, column() + " has a zero byte; is this a text file, and not UTF-16?");
  if (state_ == State::kQuoted) {
    step_quoted(c);
    return false;
  }
  if (c == '\r' && peek() == '\n') c = take();
  if (c == '\n' || c == '\r') return end_line();
  if (c == static_cast<unsigned char>(separator_)) {
    end_field();
    return false;
  }
  if (c == '"') {
    const Result<void> stepped = step_quote();
    if (!stepped) return stepped.error();
    return false;
  }
  if (state_ == State::kClosed || state_ == State::kAfter) {
    if (!is_blank(c)) return refuse(line_, column() + " has text after its closing quote");
    state_ = State::kAfter;
    return false;
  }
  state_ = State::kPlain;
  row_ += static_cast<char>(c);
  return false;
}

Result<bool> CsvReader::next() {
  const Result<void> skipped = skip_mark();
  if (!skipped) return skipped.error();
  row_.clear();
  ends_.clear();
  state_ = State::kBegin;
  row_line_ = line_;
  for (int c = take(); c != kEnd; c = take()) {
    Result<bool> stepped = step(c);
    if (!stepped || *stepped) return stepped;
    // Fields without text are counted too: a gigabyte of commas is one row.
    if (row_.size() + ends_.size() > kMostRowBytes) {
      return refuse(row_line_,
                    "the row is longer than " + std::to_string(kMostRowBytes) + " bytes; is a quote missing?");
    }
  }
  if (stream_.bad()) return make_error(Status::kUnavailable, name_ + ": reading stopped before the end");
  if (state_ == State::kQuoted) return refuse(quote_line_, column() + " opens a quote that is never closed");
  if (ends_.empty() && state_ == State::kBegin) return false;
  end_field();
  return true;
}

}  // namespace skink::simulations
