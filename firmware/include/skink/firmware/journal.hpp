#pragma once
/// @file
/// What a device must remember of its rounds through a reset: the last task that it began, so that an older one is
/// still refused and the same one is done again. Records are appended to one of two sectors; when it is full, the other
/// one is erased and takes over. A torn record fails its CRC-32, or cannot be read, and is passed over.
///
/// Wear: 32 bytes for every task and every start, so with sectors of 4 KB one erasure in 128 of them.

#include "skink/common/wire/messages.hpp"
#include "skink/firmware/flash.hpp"

namespace skink::firmware {

/// The journal of one device. Not ISR-safe.
class Journal {
 public:
  /// What is remembered.
  struct Entry {
    uint32_t starts = 0;    ///< how often the device was reset
    bool has_task = false;  ///< has a task ever begun?
    wire::RoundId task;     ///< the last one that did; only if has_task
  };

  /// Reads the last whole record; without one, last() is as a new entry.
  ///
  /// @param[in] flash         borrowed for the journal's life
  /// @param[in] first_sector  this sector and the next one belong to the journal
  /// @returns kOk; kInvalidArgument when the sectors are not there, or a record of 32 bytes is no multiple of
  ///          Flash::program_bytes; kUnavailable when the flash does not answer.
  Status open(Flash& flash, uint32_t first_sector) noexcept;

  /// The last entry that was read or appended.
  const Entry& last() const noexcept { return last_; }

  /// Appends. A place that fails is passed over, and the next one is tried. Every 128th (sectors of 4 KB) erases.
  /// @returns kOk; kUnavailable before open(), or when the flash fails kAttempts times in a row; last() is unchanged
  /// then.
  Status append(const Entry& entry) noexcept;

 private:
  static constexpr uint32_t kRecordBytes = 32;
  static constexpr uint32_t kAttempts = 3;

  uint32_t records_per_sector() const noexcept { return flash_->sector_bytes / kRecordBytes; }
  uint32_t address_of(uint32_t sector, uint32_t record) const noexcept;
  bool scan(uint32_t sector) noexcept;
  Status program(const Entry& entry) noexcept;

  Flash* flash_ = nullptr;
  uint32_t first_sector_ = 0;
  uint32_t sequence_ = 0;  ///< of the last record; 0: none
  uint32_t sector_ = 0;    ///< 0 or 1
  uint32_t next_ = 0;      ///< first free record of the sector
  Entry last_;
};

}  // namespace skink::firmware
