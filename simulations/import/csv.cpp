#include "skink/simulations/import/csv.hpp"

#include <utility>

namespace skink::simulations {

CsvReader::CsvReader(std::istream& stream, std::string name)
    : stream_(stream), name_(std::move(name)), buffer_(std::size_t{1} << 16) {}

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
  const int first = peek();
  if (first == 0xfe || first == 0xff) return refuse(1, "is not UTF-8 (UTF-16?); save it as UTF-8");
  if (first != 0xef) return {};
  take();
  if (take() != 0xbb || take() != 0xbf) return refuse(1, "is not UTF-8; save it as UTF-8");
  return {};
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

Result<bool> CsvReader::step(int c) {
  if (c == 0) return refuse(line_, column() + " has a zero byte; is this a text file?");
  if (state_ == State::kQuoted) {
    if (c == '"') {
      state_ = State::kClosed;
    } else {
      if (c == '\n') ++line_;
      row_ += static_cast<char>(c);
    }
    return false;
  }
  if (c == '\n') return end_line();
  if (c == '\r') {
    const int following = peek();
    if (following == '\n') take();
    if (following == '\n' || following == kEnd) return end_line();
    return refuse(line_, column() + " has a carriage return that ends no line");
  }
  if (c == ',') {
    end_field();
    return false;
  }
  if (c == '"') {
    if (state_ == State::kPlain) return refuse(line_, column() + " has a quote inside; quote the field and double it");
    if (state_ == State::kClosed) row_ += '"';
    if (state_ == State::kBegin) quote_line_ = line_;
    state_ = State::kQuoted;
    return false;
  }
  if (state_ == State::kClosed) return refuse(line_, column() + " has text after its closing quote");
  state_ = State::kPlain;
  row_ += static_cast<char>(c);
  return false;
}

Result<bool> CsvReader::next() {
  if (!has_begun_) {
    const Result<void> skipped = skip_mark();
    if (!skipped) return skipped.error();
    has_begun_ = true;
  }
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
