#pragma once
/// @file
/// A prepared SQLite statement: bind in order, step, read columns. Private to the store.

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skink::coordinator::internal {

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    status_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value) {
    if (status_ == SQLITE_OK) status_ = sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::uint32_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(double value) {
    if (status_ == SQLITE_OK) status_ = sqlite3_bind_double(statement_, ++bound_, value);
    return *this;
  }
  Statement& bind(const std::optional<double>& value) {
    if (value) return bind(*value);
    if (status_ == SQLITE_OK) status_ = sqlite3_bind_null(statement_, ++bound_);
    return *this;
  }
  Statement& bind(std::string_view value) {
    if (status_ == SQLITE_OK) {
      status_ = sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    }
    return *this;
  }
  Statement& bind(const std::vector<std::uint8_t>& value) {
    if (status_ == SQLITE_OK) {
      status_ = sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT);
    }
    return *this;
  }

  /// Runs a statement without rows.
  bool run() {
    if (status_ == SQLITE_OK) status_ = sqlite3_step(statement_);
    return status_ == SQLITE_DONE;
  }
  /// Moves to the next row; false at the end and on errors, see ok().
  bool next() {
    if (status_ != SQLITE_OK && status_ != SQLITE_ROW) return false;
    status_ = sqlite3_step(statement_);
    return status_ == SQLITE_ROW;
  }
  bool ok() const { return status_ == SQLITE_DONE || status_ == SQLITE_ROW || status_ == SQLITE_OK; }
  /// Was every number that was read in the range of its type?
  bool in_range() const { return in_range_; }

  std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  std::uint32_t count(int column) {
    const std::int64_t value = integer(column);
    if (value < 0 || value > 0xffffffffLL) in_range_ = false;
    return static_cast<std::uint32_t>(value);
  }
  std::uint64_t large(int column) { return static_cast<std::uint64_t>(integer(column)); }
  double real(int column) { return sqlite3_column_double(statement_, column); }
  std::optional<double> real_or_null(int column) {
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return real(column);
  }
  std::string text(int column) {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data == nullptr ? std::string()
                           : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::vector<std::uint8_t> blob(int column) {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::vector<std::uint8_t>() : std::vector<std::uint8_t>(data, data + size);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int status_ = SQLITE_OK;
  int bound_ = 0;
  bool in_range_ = true;
};

}  // namespace skink::coordinator::internal
