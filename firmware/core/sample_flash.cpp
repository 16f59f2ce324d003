#include "skink/firmware/sample_flash.hpp"

#include <string.h>

#include "sample_record.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kMagic = 0x314c5053;  // "SPL1"
constexpr uint32_t kHeaderBytes = 32;    // of a block: magic, sequence, layout, CRC-32
constexpr uint32_t kMaxClasses = 4096;
constexpr uint32_t kAttempts = 2;  // a place that fails is not used again

}  // namespace

// ---- where things are -----------------------------------------------------------------------------------------------

Status SampleFlash::open(Flash& flash, uint32_t first_sector, uint32_t sectors, const SampleShape& shape,
                         Span<StoredSample> memory) noexcept {
  flash_ = nullptr;
  count_ = 0;
  const uint32_t unit = flash.program_bytes;
  const bool is_flash = unit != 0 && sample::kPieceBytes % unit == 0 && flash.sector_bytes > kHeaderBytes &&
                        flash.sector_bytes % sample::kPieceBytes == 0 && first_sector <= flash.sectors &&
                        sectors <= flash.sectors - first_sector;
  const bool is_shape = shape.inputs >= 1 && shape.inputs <= 0xffff && shape.classes <= kMaxClasses &&
                        shape.targets >= 1 && shape.targets <= 255 && (shape.classes == 0 || shape.targets == 1);
  if (!is_flash || !is_shape) return Status::kInvalidArgument;
  const uint32_t targets = shape.classes == 0 ? 4 * shape.targets : 0;
  const uint32_t content =
      sample::kRecordHead + targets + shape.inputs * static_cast<uint32_t>(shape.number) + sample::kCrcBytes;
  const uint32_t record_bytes = (content + unit - 1) / unit * unit;
  const uint32_t block_sectors = (kHeaderBytes + record_bytes + flash.sector_bytes - 1) / flash.sector_bytes;
  const uint32_t per_block = (block_sectors * flash.sector_bytes - kHeaderBytes) / record_bytes;
  const uint32_t blocks = sectors / block_sectors;
  const uint32_t classes = shape.classes == 0 ? 1 : shape.classes;
  const uint32_t wanted = shape.per_class > 0xffff ? 0xffff : classes * shape.per_class;
  if (blocks < 3 || memory.empty() || blocks * per_block > 0xffff || wanted > (blocks - 2) * per_block ||
      wanted > memory.size()) {
    return Status::kBufferTooSmall;
  }
  flash_ = &flash;
  first_sector_ = first_sector;
  shape_ = shape;
  memory_ = memory;
  record_bytes_ = record_bytes;
  per_block_ = per_block;
  block_sectors_ = block_sectors;
  blocks_ = blocks;
  uint8_t layout[4 * sizeof(uint32_t)];
  store_u32(layout, shape.inputs);
  store_u32(layout + 4, shape.classes);
  store_u32(layout + 8, shape.targets);
  store_u32(layout + 12, static_cast<uint32_t>(shape.number));
  layout_ = crc32(layout);
  return scan();
}

uint32_t SampleFlash::block_address(uint32_t block) const noexcept {
  return (first_sector_ + block * block_sectors_) * flash_->sector_bytes;
}

uint32_t SampleFlash::record_address(uint32_t place) const noexcept {
  return block_address(place / per_block_) + kHeaderBytes + place % per_block_ * record_bytes_;
}

bool SampleFlash::is_erased(uint32_t address, uint32_t bytes) const noexcept {
  uint8_t piece[sample::kPieceBytes];
  for (uint32_t done = 0; done < bytes;) {
    const uint32_t count = bytes - done < sample::kPieceBytes ? bytes - done : sample::kPieceBytes;
    if (flash_->read(address + done, {piece, count}) != Status::kOk) return false;
    for (uint32_t i = 0; i < count; ++i) {
      if (piece[i] != 0xff) return false;
    }
    done += count;
  }
  return true;
}

// ---- finding what is there ------------------------------------------------------------------------------------------

/// Its sequence number; 0: it is no block of this layout.
uint32_t SampleFlash::sequence_of(uint32_t block) const noexcept {
  uint8_t header[kHeaderBytes];
  if (flash_->read(block_address(block), header) != Status::kOk) return 0;
  const bool is_ours =
      load_u32(header) == kMagic && load_u32(header + 8) == layout_ && load_u32(header + 12) == crc32({header, 12});
  return is_ours ? load_u32(header + 4) : 0;
}

Status SampleFlash::scan() noexcept {
  count_ = 0;
  sequence_ = 0;
  block_ = blocks_ - 1;
  next_ = per_block_;  // an empty store begins with block 0
  age_ = 0;
  is_ready_ = false;
  for (uint32_t block = 0; block < blocks_; ++block) {
    const uint32_t sequence = sequence_of(block);
    if (sequence == 0) continue;
    const uint32_t used = scan_records(block);
    if (sequence <= sequence_) continue;
    sequence_ = sequence;
    block_ = block;
    next_ = used;
  }
  uint8_t probe[1];  // a part that does not answer is not an empty store
  return flash_->read(block_address(0), probe) == Status::kUnavailable && sequence_ == 0 ? Status::kUnavailable
                                                                                         : Status::kOk;
}

/// @returns the records that are not erased any more, up to the last one.
uint32_t SampleFlash::scan_records(uint32_t block) noexcept {
  uint32_t used = 0;
  for (uint32_t record = 0; record < per_block_; ++record) {
    const uint32_t place = block * per_block_ + record;
    if (is_erased(record_address(place), record_bytes_)) continue;
    used = record + 1;
    StoredSample sample;
    if (read_record(place, sample)) insert(sample);
  }
  return used;
}

/// @returns false: it is torn or damaged.
bool SampleFlash::read_record(uint32_t place, StoredSample& sample) const noexcept {
  const uint32_t address = record_address(place);
  uint8_t piece[sample::kPieceBytes];
  uint32_t crc = 0;
  const uint32_t checked = record_bytes_ - sample::kCrcBytes;
  for (uint32_t done = 0; done < checked;) {
    const uint32_t count = checked - done < sample::kPieceBytes ? checked - done : sample::kPieceBytes;
    if (flash_->read(address + done, {piece, count}) != Status::kOk) return false;
    if (done == 0) {
      sample.age = load_u32(piece);
      sample.label = load_u16(piece + 4);
    }
    crc = crc32({piece, count}, crc);
    done += count;
  }
  sample.place = static_cast<uint16_t>(place);
  const bool is_label = sample::class_of(sample) < (shape_.classes == 0 ? 1 : shape_.classes);
  return flash_->read(address + checked, {piece, sample::kCrcBytes}) == Status::kOk && load_u32(piece) == crc &&
         is_label;
}

/// By age. A copy of one that is there already is in a block that was begun later, or is to be erased: the one in the
/// block that is written stays.
void SampleFlash::insert(const StoredSample& sample) noexcept {
  if (sample.age > age_) age_ = sample.age;
  uint32_t at = count_;
  while (at > 0 && memory_[at - 1].age >= sample.age) --at;
  if (at < count_ && memory_[at].age == sample.age) {
    if (sequence_of(sample.place / per_block_) > sequence_of(memory_[at].place / per_block_)) memory_[at] = sample;
    return;
  }
  if (shape_.per_class != 0 && count_of(sample::class_of(sample)) == shape_.per_class) {
    const uint32_t oldest = oldest_of(sample::class_of(sample));
    if (memory_[oldest].age > sample.age) return;
    remove(oldest);
    --at;
  } else if (count_ == memory_.size()) {
    if (at == 0) return;
    remove(0);
    --at;
  }
  for (uint32_t i = count_; i > at; --i) memory_[i] = memory_[i - 1];
  memory_[at] = sample;
  ++count_;
}

void SampleFlash::remove(uint32_t index) noexcept {
  --count_;
  for (uint32_t i = index; i < count_; ++i) memory_[i] = memory_[i + 1];
}

uint32_t SampleFlash::oldest_of(uint32_t label) const noexcept {
  uint32_t at = 0;
  while (at < count_ && sample::class_of(memory_[at]) != label) ++at;
  return at;
}

uint32_t SampleFlash::count_of(uint32_t label) const noexcept {
  uint32_t count = 0;
  for (uint32_t i = 0; i < count_; ++i) count += sample::class_of(memory_[i]) == label ? 1U : 0U;
  return count;
}

// ---- keeping --------------------------------------------------------------------------------------------------------

Status SampleFlash::add(Span<const float> stored, Span<const float> targets) noexcept {
  if (flash_ == nullptr) return Status::kUnavailable;
  if (stored.size() != shape_.inputs || targets.size() != shape_.targets) return Status::kShapeMismatch;
  uint8_t number[sizeof(float)];
  for (const float value : stored) {
    if (!sample::encode(shape_.number, value, number)) return Status::kInvalidArgument;
  }
  for (const float value : targets) {
    const bool is_good = shape_.classes == 0 ? arithmetic::is_finite(value)
                                             : sample::is_whole(value, 0.0F, static_cast<float>(shape_.classes - 1));
    if (!is_good) return Status::kInvalidArgument;
  }
  Status status = Status::kUnavailable;
  for (uint32_t attempt = 0; attempt < kAttempts && status != Status::kOk; ++attempt) {
    status = make_room();
    if (status == Status::kOk) status = program(stored, targets);
  }
  return status;
}

/// Every fourth sample of a class is held back, the second one first.
StoredSample SampleFlash::next_sample(uint16_t label) const noexcept {
  uint32_t there = 0;
  uint32_t held_back = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    if (sample::class_of(memory_[i]) != label) continue;
    ++there;
    held_back += memory_[i].label == label ? 0U : 1U;
  }
  if (shape_.per_class != 0 && there == shape_.per_class) {
    --there;
    held_back -= memory_[oldest_of(label)].label == label ? 0U : 1U;
  }
  const bool is_held_back = 4 * held_back + 1 <= there;
  return {age_ + 1, static_cast<uint16_t>(block_ * per_block_ + next_),
          static_cast<uint16_t>(is_held_back ? label | sample::kHeldBack : label)};
}

Status SampleFlash::program(Span<const float> stored, Span<const float> targets) noexcept {
  const bool is_label = shape_.classes != 0;
  const StoredSample sample = next_sample(is_label ? static_cast<uint16_t>(targets[0]) : uint16_t{0});
  ++next_;
  uint8_t bytes[sample::kRecordHead];
  memset(bytes, 0xff, sizeof bytes);
  store_u32(bytes, sample.age);
  store_u16(bytes + 4, sample.label);
  sample::RecordWriter writer(*flash_, record_address(sample.place), record_bytes_);
  Status status = writer.add(bytes, sample::kRecordHead);
  for (uint32_t i = 0; !is_label && i < targets.size() && status == Status::kOk; ++i) {
    (void)sample::encode(SampleNumber::kFloat32, targets[i], bytes);
    status = writer.add(bytes, sizeof(float));
  }
  for (uint32_t i = 0; i < stored.size() && status == Status::kOk; ++i) {
    (void)sample::encode(shape_.number, stored[i], bytes);
    status = writer.add(bytes, static_cast<uint32_t>(shape_.number));
  }
  if (status == Status::kOk) status = writer.finish();
  if (status == Status::kOk) insert(sample);
  return status;
}

/// Afterwards the block that is written has a free record, and the one after it is erased.
Status SampleFlash::make_room() noexcept {
  for (uint32_t turn = 0; turn < 2 * blocks_ + 2; ++turn) {
    const uint32_t following = (block_ + 1) % blocks_;
    Status status = Status::kOk;
    if (!is_ready_ && !is_erased(block_address(following), block_sectors_ * flash_->sector_bytes)) {
      status = move_out(following);
      if (status == Status::kBufferTooSmall) {
        // Copies that were cut off took the room. All in the block are copies: it is begun anew.
        status = erase_block(block_);
        if (status == Status::kOk) status = scan();
        if (status != Status::kOk) return status;
        continue;
      }
      if (status == Status::kOk) status = erase_block(following);
    }
    if (status != Status::kOk) return status;
    is_ready_ = true;
    if (next_ < per_block_) return Status::kOk;
    status = begin_block(following);
    if (status != Status::kOk) return status;
  }
  return Status::kUnavailable;
}

Status SampleFlash::erase_block(uint32_t block) noexcept {
  Status status = Status::kOk;
  // The header first: half an erasure leaves a block that counts for nothing.
  for (uint32_t sector = 0; sector < block_sectors_ && status == Status::kOk; ++sector) {
    status = flash_->erase(first_sector_ + block * block_sectors_ + sector);
  }
  return status;
}

Status SampleFlash::begin_block(uint32_t block) noexcept {
  uint8_t header[kHeaderBytes];
  memset(header, 0xff, sizeof header);
  store_u32(header, kMagic);
  store_u32(header + 4, sequence_ + 1);
  store_u32(header + 8, layout_);
  store_u32(header + 12, crc32({header, 12}));
  is_ready_ = false;
  const Status status = flash_->program(block_address(block), header);
  if (status != Status::kOk) return status;  // the block is erased again
  ++sequence_;
  block_ = block;
  next_ = 0;
  return status;
}

/// What the block holds goes to the one that is written, where the newest of each class are kept; else it is forgotten.
Status SampleFlash::move_out(uint32_t block) noexcept {
  for (uint32_t i = 0; i < count_;) {
    if (memory_[i].place / per_block_ != block) {
      ++i;
    } else if (shape_.per_class == 0) {
      remove(i);
    } else {
      if (next_ == per_block_) return Status::kBufferTooSmall;
      const Status status = copy(memory_[i]);
      if (status != Status::kOk) return status;
    }
  }
  return Status::kOk;
}

Status SampleFlash::copy(StoredSample& sample) noexcept {
  const uint32_t place = block_ * per_block_ + next_;
  ++next_;
  sample::RecordWriter writer(*flash_, record_address(place), record_bytes_);
  const uint32_t content = record_bytes_ - sample::kCrcBytes;
  uint8_t piece[sample::kPieceBytes];
  Status status = Status::kOk;
  for (uint32_t done = 0; done < content && status == Status::kOk;) {
    const uint32_t count = content - done < sample::kPieceBytes ? content - done : sample::kPieceBytes;
    status = flash_->read(record_address(sample.place) + done, {piece, count});
    if (status == Status::kOk) status = writer.add(piece, count);
    done += count;
  }
  if (status == Status::kOk) status = writer.finish();
  if (status == Status::kOk) sample.place = static_cast<uint16_t>(place);
  return status;
}

Status SampleFlash::clear() noexcept {
  if (flash_ == nullptr) return Status::kUnavailable;
  Status status = Status::kOk;
  for (uint32_t block = 0; block < blocks_ && status == Status::kOk; ++block) status = erase_block(block);
  const Status found = scan();
  return status == Status::kOk ? found : status;
}

}  // namespace skink::firmware
