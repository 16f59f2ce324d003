#pragma once
/// @file
/// How the numbers of a data set are stored: in which type, and with which scale and offset. docs/data.md says it for
/// users.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {

/// What is known of numbers after looking at all of them; they are within float32.
struct Range {
  double min = 0;
  double max = 0;
  bool is_empty = true;
  bool is_whole = true;  ///< integers only

  void add(double value) noexcept;
};

enum class StoredType : std::uint8_t { kU8, kI16, kFloat32 };

/// Of one channel: value = stored * scale + offset.
struct ChannelStorage {
  double scale = 1;
  double offset = 0;
};

struct Storage {
  StoredType type = StoredType::kFloat32;
  std::vector<ChannelStorage> channels;

  const char* name() const noexcept;   ///< "i16"
  const char* descr() const noexcept;  ///< NumPy's: "<i2"
  std::size_t value_bytes() const noexcept;
  /// The number that is written for a value of the channel's range.
  double stored(std::size_t channel, double value) const noexcept;
  double value(std::size_t channel, double stored) const noexcept {
    return stored * channels[channel].scale + channels[channel].offset;
  }
  /// Adds its bytes, little-endian.
  void append(double stored, std::string& bytes) const;
};

/// One type for all, a scale and an offset for each channel. Whole numbers keep their values: u8 where all are within
/// 0..255, i16 for -32768..32767, i16 around the middle where a channel's range is at most 65535. All else is
/// quantised: i16 = (value - middle) / (range / 65534), to nearest, so it is off by half a step at most.
/// @param[in] ranges  Of each channel.
Storage choose_storage(const std::vector<Range>& ranges, ImportStorage wanted);

}  // namespace skink::simulations
