#include "skink/firmware/journal.hpp"

#include <string.h>

#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::firmware {
namespace {

// sequence u32, starts u32, run u64, round u32, attempt u32, has_task u32, CRC-32 of all before it
constexpr uint32_t kCrcAt = 28;

bool is_erased(const uint8_t* bytes, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != 0xff) return false;
  }
  return true;
}

}  // namespace

uint32_t Journal::address_of(uint32_t sector, uint32_t record) const noexcept {
  return (first_sector_ + sector) * flash_->sector_bytes + record * kRecordBytes;
}

Status Journal::open(Flash& flash, uint32_t first_sector) noexcept {
  if (flash.sectors < 2 || first_sector > flash.sectors - 2 || flash.program_bytes == 0 ||
      kRecordBytes % flash.program_bytes != 0) {
    return Status::kInvalidArgument;
  }
  flash_ = &flash;
  first_sector_ = first_sector;
  sequence_ = 0;
  sector_ = 1;
  next_ = records_per_sector();  // an empty journal begins by erasing sector 0
  last_ = {};
  const bool is_there = scan(0);
  return scan(1) || is_there ? Status::kOk : Status::kUnavailable;
}

/// @returns false: nothing of it can be read. A record that cannot was torn, in flash with ECC.
bool Journal::scan(uint32_t sector) noexcept {
  bool is_there = false;
  bool is_newest = false;
  uint32_t free = 0;  // after the last record that is not erased, whole or torn
  for (uint32_t record = 0; record < records_per_sector(); ++record) {
    uint8_t bytes[kRecordBytes];
    const bool is_read = flash_->read(address_of(sector, record), bytes) == Status::kOk;
    is_there = is_there || is_read;
    if (is_read && is_erased(bytes, sizeof bytes)) continue;
    free = record + 1;
    if (!is_read) continue;
    const uint32_t sequence = load_u32(bytes);
    if (load_u32(bytes + kCrcAt) != crc32({bytes, kCrcAt}) || sequence <= sequence_) continue;
    is_newest = true;
    sequence_ = sequence;
    last_.starts = load_u32(bytes + 4);
    last_.task = {load_u64(bytes + 8), load_u32(bytes + 16), load_u32(bytes + 20)};
    last_.has_task = load_u32(bytes + 24) == 1;
  }
  if (is_newest) {
    sector_ = sector;
    next_ = free;
  }
  return is_there;
}

Status Journal::append(const Entry& entry) noexcept {
  Status status = Status::kUnavailable;
  if (flash_ == nullptr) return status;
  for (uint32_t attempt = 0; attempt < kAttempts && status != Status::kOk; ++attempt) status = program(entry);
  return status;
}

Status Journal::program(const Entry& entry) noexcept {
  if (next_ >= records_per_sector()) {
    const Status status = flash_->erase(first_sector_ + 1 - sector_);
    if (status != Status::kOk) return status;
    sector_ = 1 - sector_;
    next_ = 0;
  }
  uint8_t bytes[kRecordBytes];
  store_u32(bytes, sequence_ + 1);
  store_u32(bytes + 4, entry.starts);
  store_u64(bytes + 8, entry.task.run);
  store_u32(bytes + 16, entry.task.round);
  store_u32(bytes + 20, entry.task.attempt);
  store_u32(bytes + 24, entry.has_task ? 1 : 0);
  store_u32(bytes + kCrcAt, crc32({bytes, kCrcAt}));
  const Status status = flash_->program(address_of(sector_, next_), bytes);
  ++next_;  // a place that failed is not used again
  if (status != Status::kOk) return status;
  ++sequence_;
  last_ = entry;
  return Status::kOk;
}

}  // namespace skink::firmware
