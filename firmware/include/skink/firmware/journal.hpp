#pragma once
/// @file
/// What a device must remember of its rounds through a reset: the last task that it began, so that an older one is
/// still refused and the same one is done again. Records are appended to one of two sectors; when it is full, the other
/// one is erased and takes over. A torn record fails its CRC-32 and is passed over.
///
/// Wear: 32 bytes for every task and every start, so with sectors of 4 KB one erasure in 128 of them.

#include "skink/common/wire/messages.hpp"
#include "skink/firmware/flash.hpp"

namespace skink::firmware {

class Journal {
 public:
  struct Entry {
    uint32_t starts = 0;  ///< how often the device was reset
    bool has_task = false;
    wire::RoundId task;
  };

  /// Reads the last whole record. `flash` is borrowed; two sectors from `first_sector` belong to the journal.
  Status open(Flash& flash, uint32_t first_sector) noexcept;

  const Entry& last() const noexcept { return last_; }

  /// Appends. A place that fails is left behind, and the next one is tried.
  /// @returns kUnavailable when the flash fails kAttempts times in a row; last() is unchanged then.
  Status append(const Entry& entry) noexcept;

 private:
  static constexpr uint32_t kRecordBytes = 32;
  static constexpr uint32_t kAttempts = 3;

  uint32_t records_per_sector() const noexcept { return flash_->sector_bytes / kRecordBytes; }
  uint32_t address_of(uint32_t sector, uint32_t record) const noexcept;
  Status scan(uint32_t sector) noexcept;
  Status program(const Entry& entry) noexcept;

  Flash* flash_ = nullptr;
  uint32_t first_sector_ = 0;
  uint32_t sequence_ = 0;  ///< of the last record; 0: none
  uint32_t sector_ = 0;    ///< 0 or 1
  uint32_t next_ = 0;      ///< first free record of the sector
  Entry last_;
};

}  // namespace skink::firmware
