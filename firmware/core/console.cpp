#include "skink/firmware/console.hpp"

#include <string.h>

#include "skink/firmware/port.hpp"

namespace skink::firmware {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

Value::Value(const char* text) noexcept : text_(text, strlen(text)) {}
Value::Value(Span<const char> text) noexcept : text_(text) {}
Value::Value(unsigned long long number) noexcept : number_(number) {}
Value::Value(unsigned long number) noexcept : number_(number) {}
Value::Value(unsigned number) noexcept : number_(number) {}
Value::Value(long number) noexcept : Value(static_cast<long long>(number)) {}
Value::Value(int number) noexcept : Value(static_cast<long long>(number)) {}
Value::Value(long long number) noexcept
    : number_(number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number)),
      is_negative_(number < 0) {}

Value Value::hex(uint64_t number, unsigned digits) noexcept {
  Value value;
  value.number_ = number;
  value.hex_digits_ = digits < 16 ? digits : 16;
  return value;
}

Value Value::hex(Bytes bytes) noexcept {
  Value value;
  value.bytes_ = bytes;
  return value;
}

void Value::print() const noexcept {
  if (text_.data() != nullptr) {
    port::console(text_.data(), text_.size());
    return;
  }
  if (bytes_.data() != nullptr) {
    for (const uint8_t byte : bytes_) hex(byte, 2).print();
    return;
  }
  char digits[24];
  size_t begin = sizeof digits;
  uint64_t left = number_;
  if (hex_digits_ != 0) {
    for (unsigned i = 0; i < hex_digits_; ++i, left >>= 4) digits[--begin] = kDigits[left & 15];
  } else {
    for (bool is_first = true; begin > 1 && (is_first || left != 0); is_first = false, left /= 10) {
      digits[--begin] = kDigits[left % 10];
    }
    if (is_negative_) digits[--begin] = '-';
  }
  port::console(digits + begin, sizeof digits - begin);
}

void print_line(const char* format, Span<const Value> values) noexcept {
  size_t next = 0;
  const char* from = format;
  for (const char* at = format; *at != 0 && next < values.size(); ++at) {  // strstr would bring 1.5 KB along
    if (at[0] != '{' || at[1] != '}') continue;
    port::console(from, static_cast<size_t>(at - from));
    values[next++].print();
    from = ++at + 1;
  }
  port::console(from, strlen(from));
  port::console("\n", 1);
}

}  // namespace skink::firmware
