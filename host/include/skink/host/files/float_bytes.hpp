#pragma once
/// @file
/// Arrays of floats as files and stores keep them: little-endian, zeros without a sign.

#include <cstdint>
#include <vector>

#include "skink/common/little_endian.hpp"

namespace skink {

/// The bytes of `numbers`, 4 each.
inline std::vector<std::uint8_t> float_bytes(const std::vector<float>& numbers) {
  std::vector<std::uint8_t> bytes(4 * numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) store_float(bytes.data() + 4 * i, numbers[i]);
  return bytes;
}

/// The numbers of `bytes`, which may be NaN or infinite. An incomplete last one is left out.
inline std::vector<float> floats_of(const std::vector<std::uint8_t>& bytes) {
  std::vector<float> numbers(bytes.size() / 4);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = load_float(bytes.data() + 4 * i);
  return numbers;
}

}  // namespace skink
