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

ChannelStorage quantised(const Range& range) {
  const double scale = (range.max - range.min) / kSteps;
  // Numbers that are all alike, or nearly, have no range to divide.
  const bool is_usable = scale >= static_cast<double>(std::numeric_limits<float>::min());
  return {is_usable ? scale : 1, (range.min + range.max) / 2};
}

bool is_whole(const Range& range) {
  constexpr double kExact = 9007199254740992;  // 2^53: below it differences of whole numbers are exact
  return range.is_whole && range.min > -kExact && range.max < kExact;
}

bool is_byte(const Range& range) { return is_whole(range) && range.min >= 0 && range.max <= 255; }

ChannelStorage as_i16(const Range& range) {
  if (is_whole(range) && range.min >= kI16Min && range.max <= kI16Max) return {1, 0};
  if (is_whole(range) && range.max - range.min <= kI16Max - kI16Min) return {1, range.min - kI16Min};
  return quantised(range);
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

Storage choose_storage(const std::vector<Range>& ranges, ImportStorage wanted) {
  Storage storage{StoredType::kFloat32, std::vector<ChannelStorage>(ranges.size())};
  if (wanted == ImportStorage::kFloat32) return storage;
  storage.type = StoredType::kU8;
  if (wanted == ImportStorage::kChosen && std::all_of(ranges.begin(), ranges.end(), is_byte)) return storage;
  storage.type = StoredType::kI16;
  std::transform(ranges.begin(), ranges.end(), storage.channels.begin(), as_i16);
  return storage;
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

double Storage::stored(std::size_t channel, double value) const noexcept {
  if (type == StoredType::kFloat32) return static_cast<double>(static_cast<float>(value));
  const ChannelStorage& one = channels[channel];
  return std::clamp(std::nearbyint((value - one.offset) / one.scale), kI16Min, kI16Max);
}

void Storage::append(double stored, std::string& bytes) const {
  switch (type) {
    case StoredType::kU8: append_bytes(static_cast<std::uint8_t>(stored), bytes); break;
    case StoredType::kI16: append_bytes(static_cast<std::int16_t>(stored), bytes); break;
    case StoredType::kFloat32: append_bytes(static_cast<float>(stored), bytes); break;
  }
}

}  // namespace skink::simulations
