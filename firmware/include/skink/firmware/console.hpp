#pragma once
/// @file
/// Lines for a person at the serial console. A formatter of its own: newlib's printf reaches for the heap.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink::firmware {

/// One value of a line. Converts from what lines are made of; floating point is not. Out of line: many lines are
/// printed, and each would bring the constructors along.
class Value {
 public:
  Value(const char* text) noexcept;           // NOLINT(google-explicit-constructor)
  Value(Span<const char> text) noexcept;      // NOLINT(google-explicit-constructor)
  Value(unsigned number) noexcept;            // NOLINT(google-explicit-constructor)
  Value(unsigned long number) noexcept;       // NOLINT(google-explicit-constructor)
  Value(unsigned long long number) noexcept;  // NOLINT(google-explicit-constructor)
  Value(int number) noexcept;                 // NOLINT(google-explicit-constructor)
  Value(long number) noexcept;                // NOLINT(google-explicit-constructor)
  Value(long long number) noexcept;           // NOLINT(google-explicit-constructor)
  /// `digits` hexadecimal digits.
  static Value hex(uint64_t number, unsigned digits) noexcept;
  /// The bytes as hexadecimal digits, two each.
  static Value hex(Bytes bytes) noexcept;

  void print() const noexcept;

 private:
  Value() noexcept = default;
  Span<const char> text_;
  Bytes bytes_;
  uint64_t number_ = 0;
  unsigned hex_digits_ = 0;
  bool is_negative_ = false;
};

/// Prints `format` with each {} replaced by the next value, and ends the line.
void print_line(const char* format, Span<const Value> values) noexcept;

template <class... Values>
void print(const char* format, const Values&... values) noexcept {
  if constexpr (sizeof...(Values) == 0) {
    print_line(format, {});
  } else {
    const Value list[] = {Value(values)...};
    print_line(format, {list, sizeof...(Values)});
  }
}

}  // namespace skink::firmware
