#include "skink/firmware/model_store.hpp"

#include <string.h>

#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kMagic = 0x31534d53;  // "SMS1"
constexpr uint32_t kHeaderBytes = 64;
constexpr uint32_t kNumberAt = 12;
constexpr uint32_t kDigestAt = 16;
constexpr uint32_t kCrcAt = 48;

struct Header {
  uint32_t counter = 0;
  uint32_t bytes = 0;
  uint32_t number = 0;
  crypto::Digest digest;
};

void encode(const Header& header, uint8_t (&out)[kHeaderBytes]) noexcept {
  memset(out, 0xff, sizeof out);
  store_u32(out, kMagic);
  store_u32(out + 4, header.counter);
  store_u32(out + 8, header.bytes);
  store_u32(out + kNumberAt, header.number);
  memcpy(out + kDigestAt, header.digest.bytes, sizeof header.digest.bytes);
  store_u32(out + kCrcAt, crc32({out, kCrcAt}));
}

bool decode(const uint8_t (&in)[kHeaderBytes], Header& header) noexcept {
  if (load_u32(in) != kMagic || load_u32(in + kCrcAt) != crc32({in, kCrcAt})) return false;
  header.counter = load_u32(in + 4);
  header.bytes = load_u32(in + 8);
  header.number = load_u32(in + kNumberAt);
  memcpy(header.digest.bytes, in + kDigestAt, sizeof header.digest.bytes);
  return true;
}

}  // namespace

uint32_t ModelStore::slot_address(uint32_t slot) const noexcept {
  return (first_sector_ + slot * slot_sectors_) * flash_->sector_bytes;
}

Status ModelStore::open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors) noexcept {
  const bool is_unit = flash.program_bytes != 0 && flash.program_bytes <= kMaxProgramBytes &&
                       kMaxProgramBytes % flash.program_bytes == 0 && flash.sector_bytes >= kHeaderBytes;
  if (!is_unit || slot_sectors < 1 || first_sector > flash.sectors ||
      slot_sectors > (flash.sectors - first_sector) / 2) {
    return Status::kInvalidArgument;
  }
  flash_ = &flash;
  first_sector_ = first_sector;
  slot_sectors_ = slot_sectors;
  counter_ = 0;
  model_bytes_ = 0;
  pending_ = 0;
  data_offset_ = slot_sectors == 1 ? kHeaderBytes : flash.sector_bytes;
  bool is_there = false;
  for (uint32_t slot = 0; slot < 2; ++slot) {
    uint8_t bytes[kHeaderBytes];
    Header header;
    if (flash.read(slot_address(slot), bytes) != Status::kOk) continue;  // torn, in flash with ECC
    is_there = true;
    if (!decode(bytes, header) || header.bytes > capacity() || header.counter <= counter_) continue;
    slot_ = slot;
    counter_ = header.counter;
    model_bytes_ = header.bytes;
    number_ = header.number;
    digest_ = header.digest;
  }
  return is_there ? Status::kOk : Status::kUnavailable;
}

bool ModelStore::use_previous() noexcept {
  if (!has_model()) return false;
  uint8_t bytes[kHeaderBytes];
  Header header;
  if (flash_->read(slot_address(1 - slot_), bytes) != Status::kOk || !decode(bytes, header)) return false;
  if (header.bytes == 0 || header.bytes > capacity()) return false;
  slot_ = 1 - slot_;
  model_bytes_ = header.bytes;
  digest_ = header.digest;
  return true;
}

Status ModelStore::begin(uint32_t bytes) noexcept {
  if (flash_ == nullptr) return Status::kUnavailable;
  if (bytes == 0 || bytes > capacity()) return Status::kInvalidArgument;
  if (model_bytes_ != 0) slot_ = 1 - slot_;  // an unfinished slot is simply begun again
  model_bytes_ = 0;
  pending_ = 0;
  room_ = bytes;
  // The header's comes first.
  const uint32_t sectors = (data_offset_ + bytes + flash_->sector_bytes - 1) / flash_->sector_bytes;
  for (uint32_t sector = 0; sector < sectors; ++sector) {
    const Status status = flash_->erase(first_sector_ + slot_ * slot_sectors_ + sector);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

/// Programs one unit unless it is there already: after a lost connection a chunk comes again from its beginning.
Status ModelStore::program_unit(uint32_t address, const uint8_t* unit) noexcept {
  uint8_t there[kMaxProgramBytes];
  const uint32_t count = flash_->program_bytes;
  const Status status = flash_->read(address, {there, count});
  if (status != Status::kOk) return status;
  if (memcmp(there, unit, count) == 0) return Status::kOk;
  for (uint32_t i = 0; i < count; ++i) {
    if (there[i] != 0xff) return Status::kUnavailable;
  }
  return flash_->program(address, {unit, count});
}

Status ModelStore::write(uint32_t offset, Bytes bytes, ChunkPart part) noexcept {
  if (flash_ == nullptr || offset > room_ || bytes.size() > room_ - offset) return Status::kUnavailable;
  if (pending_ != 0 && offset != pending_offset_ + pending_) pending_ = 0;  // the rest of a chunk that was cut off
  for (const uint8_t byte : bytes) {
    if (pending_ == 0) pending_offset_ = offset;
    unit_[pending_++] = byte;
    ++offset;
    if (pending_ < flash_->program_bytes) continue;
    const Status status = flush();
    if (status != Status::kOk) return status;
  }
  return part == ChunkPart::kEnd ? flush() : Status::kOk;
}

Status ModelStore::flush() noexcept {
  if (pending_ == 0) return Status::kOk;
  memset(unit_ + pending_, 0xff, sizeof unit_ - pending_);
  pending_ = 0;
  return program_unit(slot_address(slot_) + data_offset_ + pending_offset_, unit_);
}

Status ModelStore::commit(const crypto::Digest& digest, uint32_t bytes, uint32_t number) noexcept {
  if (flash_ == nullptr || bytes == 0 || bytes > room_) return Status::kInvalidArgument;
  uint8_t header[kHeaderBytes];
  encode({counter_ + 1, bytes, number, digest}, header);
  const Status status = flash_->program(slot_address(slot_), header);
  if (status != Status::kOk) return status;
  ++counter_;
  model_bytes_ = bytes;
  number_ = number;
  digest_ = digest;
  return Status::kOk;
}

Status ModelStore::read_slot(uint32_t slot, uint32_t offset, MutableBytes out) const noexcept {
  if (flash_ == nullptr || offset > capacity() || out.size() > capacity() - offset) return Status::kUnavailable;
  return flash_->read(slot_address(slot) + data_offset_ + offset, out);
}

model::ByteSource ModelStore::whole_source() noexcept {
  model::ByteSource source;
  source.context = this;
  source.read = [](void* context, uint32_t offset, MutableBytes out) {
    return static_cast<const ModelStore*>(context)->read_whole(offset, out);
  };
  source.size = capacity();
  return source;
}

model::ByteSource ModelStore::source() noexcept {
  model::ByteSource source;
  source.context = this;
  source.read = [](void* context, uint32_t offset, MutableBytes out) {
    return static_cast<const ModelStore*>(context)->read(offset, out);
  };
  source.size = capacity();
  source.in_place = [](void* context) -> const uint8_t* {
    const auto& store = *static_cast<const ModelStore*>(context);
    if (store.flash_ == nullptr || store.flash_->mapped == nullptr) return nullptr;
    return store.flash_->mapped + store.slot_address(store.slot_) + store.data_offset_;
  };
  return source;
}

}  // namespace skink::firmware
