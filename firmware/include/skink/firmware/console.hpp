#pragma once
/// @file
/// Lines for a person at the serial console. A formatter of its own: newlib's printf reaches for the heap.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"

namespace skink::firmware {

/// One value of a line. Converts from what lines are made of; floating point is not. Texts and bytes are borrowed. Out
/// of line: many lines are printed, and each would bring the constructors along.
class Value {
 public:
  /// Zero-terminated; not null.
  Value(const char* text) noexcept;  // NOLINT(google-explicit-constructor)
  /// Bytes as they are.
  Value(Span<const char> text) noexcept;  // NOLINT(google-explicit-constructor)
  /// A decimal number, like the five that follow: one for each type that C++ has for integers.
  Value(unsigned number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The same.
  Value(unsigned long number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The same.
  Value(unsigned long long number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The same, with a sign.
  Value(int number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The same, with a sign.
  Value(long number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The same, with a sign.
  Value(long long number) noexcept;  // NOLINT(google-explicit-constructor)
  /// The lowest `digits` hexadecimal digits, 1..16.
  static Value hex(uint64_t number, unsigned digits) noexcept;
  /// The bytes as hexadecimal digits, two each.
  static Value hex(Bytes bytes) noexcept;

  /// Writes the value to port::console(), which may wait.
  void print() const noexcept;

 private:
  Value() noexcept = default;
  Span<const char> text_;
  Bytes bytes_;
  uint64_t number_ = 0;
  unsigned hex_digits_ = 0;
  bool is_negative_ = false;
};

/// Prints `format` with each {} replaced by the next value, and ends the line. A {} without a value stays; a value
/// without a {} is left out. Waits as port::console() does; not ISR-safe.
void print_line(const char* format, Span<const Value> values) noexcept;

/// print_line() of the values given.
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
