#pragma once
/// @file
/// The last model in flash, of the rounds or released: two slots, of which one is always whole. A new model goes into
/// the older slot; its header, programmed last, makes it the newer one. Whenever power goes, the other slot is what it
/// was.
///
/// A slot is a header sector (magic, counter, length, number, digest, CRC-32) and data sectors; where it is one large
/// sector, the data follow 64 bytes of header. A header that cannot be read, as flash with ECC leaves it when power
/// goes, is of no whole slot. Wear: one erasure of one slot for every model that is downloaded, so a slot is erased
/// every second time.

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/firmware/flash.hpp"

namespace skink::firmware {

/// Which bytes of a chunk are written.
enum class ChunkPart : uint8_t {
  kMore,  ///< others follow
  kEnd,   ///< the last ones are among them
};

/// Two slots for models, of which one is in use. Not ISR-safe. Wrong offsets are statuses, not faults.
class ModelStore {
 public:
  /// Finds the newer whole slot. `flash` is borrowed for the store's life; the slots take 2 * slot_sectors sectors from
  /// `first_sector`, at least 1 each.
  ///
  /// @returns kOk, also when no slot is whole; kInvalidArgument when the sectors are not there; kUnavailable when the
  ///          flash does not answer.
  Status open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors) noexcept;

  /// The largest model, bytes; 0 before open().
  uint32_t capacity() const noexcept {
    return flash_ == nullptr ? 0 : slot_sectors_ * flash_->sector_bytes - data_offset_;
  }

  /// Is there a whole model? Not while a new one is written.
  bool has_model() const noexcept { return model_bytes_ != 0; }
  /// Its length; 0 without a model.
  uint32_t model_bytes() const noexcept { return model_bytes_; }
  /// Its digest, as commit() was told; unspecified without a model.
  const crypto::Digest& digest() const noexcept { return digest_; }
  /// Likewise its number.
  uint32_t number() const noexcept { return number_; }

  /// The last model cannot be read: the one before takes its place, if it is whole, until another one is committed. The
  /// number stays that of the last one. @returns false: there is none, or the flash does not answer; nothing changes.
  bool use_previous() noexcept;

  /// Erases as many sectors of the older slot as a new model of `bytes` bytes needs; from now on read() reads that
  /// slot.
  /// @returns kOk; kInvalidArgument for 0 bytes, or more than capacity(); kUnavailable before open(), or when the flash
  ///          fails.
  Status begin(uint32_t bytes) noexcept;

  /// Stores bytes of the new model, after begin(). Bytes of one chunk come in order, chunks in any order. The same
  /// bytes may come again.
  ///
  /// @param[in] offset  in the model; a chunk begins at a multiple of Flash::program_bytes
  /// @param[in] part    kEnd with the last bytes of a chunk: bytes that do not fill a unit of the flash are programmed
  ///                    then
  /// @returns kOk; kUnavailable before begin(), beyond its length, when the flash fails, or when it holds other bytes
  ///          there already.
  Status write(uint32_t offset, Bytes bytes, ChunkPart part) noexcept;

  /// Makes the new model the last one. Call it once its digest is checked.
  ///
  /// @param[in] bytes   its length, at most what begin() was told
  /// @param[in] number  any, for number(): of a release
  /// @returns kOk; kInvalidArgument before begin() or for another length; kUnavailable when the flash fails: the slot
  /// is
  ///          not whole then.
  Status commit(const crypto::Digest& digest, uint32_t bytes, uint32_t number = 0) noexcept;

  /// Fills `out` from `offset` of the slot in use: the last model, or after begin() the new one.
  /// @returns kOk; kUnavailable before open(), beyond capacity(), or when the flash fails.
  Status read(uint32_t offset, MutableBytes out) const noexcept { return read_slot(slot_, offset, out); }
  /// As read(), of the last whole slot, also while a new one is written; only if there was one.
  Status read_whole(uint32_t offset, MutableBytes out) const noexcept {
    return read_slot(has_model() ? slot_ : 1 - slot_, offset, out);
  }

  /// The slot that read() reads, for the client. Borrows the store.
  model::ByteSource source() noexcept;
  /// As source(), of what read_whole() reads.
  model::ByteSource whole_source() noexcept;

 private:
  static constexpr uint32_t kMaxProgramBytes = 32;

  Status read_slot(uint32_t slot, uint32_t offset, MutableBytes out) const noexcept;
  uint32_t slot_address(uint32_t slot) const noexcept;
  Status program_unit(uint32_t address, const uint8_t* unit) noexcept;
  Status flush() noexcept;

  Flash* flash_ = nullptr;
  uint32_t first_sector_ = 0;
  uint32_t slot_sectors_ = 0;
  uint32_t data_offset_ = 0;  ///< in a slot
  uint32_t slot_ = 0;         ///< the one in use
  uint32_t counter_ = 0;
  uint32_t model_bytes_ = 0;
  uint32_t number_ = 0;
  uint32_t room_ = 0;  ///< what begin() erased
  crypto::Digest digest_;
  // bytes that do not fill a unit of the flash yet
  uint32_t pending_offset_ = 0;
  uint32_t pending_ = 0;
  uint8_t unit_[kMaxProgramBytes] = {};
};

}  // namespace skink::firmware
