#include "storage.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace skink::simulations {
namespace {

constexpr double kI16Min = -32768;
constexpr double kI16Max = 32767;
constexpr double kSteps = 65534;  // -32767..32767: as far up as down

Storage quantised(const Range& range) {
  const double scale = (range.max - range.min) / kSteps;
  // Numbers that are all alike, or nearly, have no range to divide.
  const bool is_usable = scale >= static_cast<double>(std::numeric_limits<float>::min());
  return {StoredType::kI16, is_usable ? scale : 1, (range.min + range.max) / 2};
}

template <class T>
void append_bytes(T number, std::string& bytes) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);  // hosts are little-endian, as npy.cpp asserts
  bytes.append(raw, sizeof raw);
}

}  // namespace

void Range::add(double value) noexcept {
  min = is_empty ? value : std::min(min, value);
  max = is_empty ? value : std::max(max, value);
  is_empty = false;
  is_whole = is_whole && value == std::floor(value);
}

Storage choose_storage(const Range& range, ImportStorage wanted) {
  constexpr double kExact = 9007199254740992;  // 2^53: below it differences of whole numbers are exact
  if (wanted == ImportStorage::kFloat32) return {StoredType::kFloat32, 1, 0};
  const bool is_whole = range.is_whole && range.min > -kExact && range.max < kExact;
  if (is_whole && wanted == ImportStorage::kChosen && range.min >= 0 && range.max <= 255)
    return {StoredType::kU8, 1, 0};
  if (is_whole && range.min >= kI16Min && range.max <= kI16Max) return {StoredType::kI16, 1, 0};
  if (is_whole && range.max - range.min <= kI16Max - kI16Min) return {StoredType::kI16, 1, range.min - kI16Min};
  return quantised(range);
}

const char* Storage::name() const noexcept {
  switch (type) {
    case StoredType::kU8: return "u8";
    case StoredType::kI16: return "i16";
    case StoredType::kFloat32: break;
  }
  return "float32";
}

const char* Storage::descr() const noexcept {
  switch (type) {
    case StoredType::kU8: return "|u1";
    case StoredType::kI16: return "<i2";
    case StoredType::kFloat32: break;
  }
  return "<f4";
}

std::size_t Storage::value_bytes() const noexcept {
  switch (type) {
    case StoredType::kU8: return 1;
    case StoredType::kI16: return 2;
    case StoredType::kFloat32: break;
  }
  return 4;
}

double Storage::stored(double value) const noexcept {
  if (type == StoredType::kFloat32) return static_cast<double>(static_cast<float>(value));
  return std::clamp(std::nearbyint((value - offset) / scale), kI16Min, kI16Max);
}

void Storage::append(double stored, std::string& bytes) const {
  switch (type) {
    case StoredType::kU8: append_bytes(static_cast<std::uint8_t>(stored), bytes); break;
    case StoredType::kI16: append_bytes(static_cast<std::int16_t>(stored), bytes); break;
    case StoredType::kFloat32: append_bytes(static_cast<float>(stored), bytes); break;
  }
}

}  // namespace skink::simulations
