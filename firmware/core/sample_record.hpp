#pragma once
/// @file
/// One record of a SampleFlash: how numbers are kept, and how a record is written.

#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/firmware/sample_flash.hpp"

namespace skink::firmware::sample {

inline constexpr uint32_t kRecordHead = 8;     ///< age, label, two bytes of ones
inline constexpr uint16_t kHeldBack = 0x8000;  ///< of StoredSample::label
inline constexpr uint32_t kCrcBytes = 4;       ///< at the end of a record
inline constexpr uint32_t kPieceBytes = 32;    ///< what is read and written at once: a multiple of every unit of flash

/// The class alone.
inline uint16_t class_of(const StoredSample& sample) noexcept {
  return static_cast<uint16_t>(sample.label & (kHeldBack - 1));
}

/// Is it a whole number from `least` to `most`, which an int32_t holds?
bool is_whole(float value, float least, float most) noexcept;
/// Writes the bytes of a number. @returns false: it cannot be kept so.
bool encode(SampleNumber number, float value, uint8_t* out) noexcept;
/// What encode() wrote.
float decode(SampleNumber number, const uint8_t* in) noexcept;

/// Programs a record from its beginning, in units of the flash, and its CRC-32 at its end.
class RecordWriter {
 public:
  /// `flash` is borrowed for the writer's life.
  RecordWriter(Flash& flash, uint32_t address, uint32_t record_bytes) noexcept
      : flash_(flash), address_(address), end_(address + record_bytes) {}

  /// The next bytes. @returns kOk; kUnavailable: the flash failed.
  Status add(const uint8_t* bytes, uint32_t count) noexcept;
  /// Ones up to the CRC, and the CRC. @returns as add().
  Status finish() noexcept;

 private:
  Status flush() noexcept;

  Flash& flash_;
  uint32_t address_;
  const uint32_t end_;
  uint32_t filled_ = 0;
  uint32_t crc_ = 0;
  uint8_t piece_[kPieceBytes] = {};
};

}  // namespace skink::firmware::sample
