#pragma once
/// @file
/// The device's own labelled samples in flash: they survive resets, and power may go at any moment. A log of records in
/// a ring of blocks: either the newest samples are kept, or the newest of each class, so that a class which is seen
/// every minute does not drive out the one that was shown once. Some of each class are held back: they judge what is
/// learned from the others.
///
/// Wear: a sample is programmed once, and a block erased once for every records_per_block() samples. Where the newest
/// of each class are kept, samples that stay are copied before their block is erased: at most once for every round of
/// the ring.

#include "skink/edge/platform/samples.hpp"
#include "skink/firmware/flash.hpp"

namespace skink::firmware {

/// How a number of a sample is kept; the value is its size in bytes.
enum class SampleNumber : uint8_t {
  kUint8 = 1,    ///< whole, 0..255
  kInt16 = 2,    ///< whole, -32768..32767
  kFloat32 = 4,  ///< finite
};

/// What the samples of a store are. A store that was written with another shape, but for `per_class`, begins empty.
struct SampleShape {
  uint32_t inputs = 0;     ///< D: numbers of a sample, 1..65535
  uint32_t classes = 0;    ///< labels are 0..classes - 1, at most 4096; 0: targets are not labels
  uint32_t targets = 1;    ///< numbers that a regression wants, 1..255; with classes 1
  uint32_t per_class = 0;  ///< of each class the newest are kept, so many; 0: of all the newest, as many as fit
  SampleNumber number = SampleNumber::kFloat32;
};

/// One sample, as the store remembers it in RAM.
struct StoredSample {
  uint32_t age = 0;    ///< ascending with time, from 1
  uint16_t place = 0;  ///< of the record
  uint16_t label = 0;  ///< its class; the highest bit: it is held back
};

/// A store of samples. Not ISR-safe. All memory is the caller's.
class SampleFlash {
 public:
  /// Finds the samples that are whole; those that a power failure cut off, or that read damaged, count as not there.
  /// Goes on with an erasure that was cut off.
  ///
  /// @param[in] flash         borrowed for the store's life; `sectors` sectors from `first_sector` on are the store's
  /// @param[in] memory        borrowed likewise: no more samples are kept than fit it; at most 65535
  /// @returns kOk, also with no sample; kInvalidArgument for a shape or sectors that are not there; kBufferTooSmall
  /// when
  ///          they, or `memory`, are fewer than needed: three blocks, of the newest of each class two more than hold
  ///          all of them; kUnavailable when the flash fails.
  Status open(Flash& flash, uint32_t first_sector, uint32_t sectors, const SampleShape& shape,
              Span<StoredSample> memory) noexcept;

  /// Keeps one sample. It is there, whole, when this returns kOk, and after a power failure on the way it is or is not.
  /// An older one may give way. Not while samples() are in use: Device::add_sample() sees to that.
  ///
  /// @param[in] stored   [inputs] stored values, as SampleSource gives them
  /// @param[in] targets  [targets] the label as a whole number, or what the regression wants
  /// @returns kOk; kShapeMismatch for a size that is not the shape's; kInvalidArgument for a number that
  ///          SampleShape::number cannot keep, or a label out of range; kUnavailable before open(), or when the flash
  ///          fails: at the next one another place is tried.
  Status add(Span<const float> stored, Span<const float> targets) noexcept;

  /// Forgets all samples. @returns kOk; kUnavailable before open(), or when the flash fails: some may be there still.
  Status clear() noexcept;

  /// How many samples are there, held back or not.
  uint32_t count() const noexcept { return count_; }
  /// Of one class.
  uint32_t count_of(uint32_t label) const noexcept;
  /// Records that a block holds; 0 before open().
  uint32_t records_per_block() const noexcept { return per_block_; }

  /// The samples that are held back are the query set, the others the support set, for every task: of each class the
  /// second sample is held back, and from then on every fourth. Borrows the store.
  edge::SampleSource samples() noexcept;

 private:
  uint32_t block_address(uint32_t block) const noexcept;
  uint32_t record_address(uint32_t place) const noexcept;
  uint32_t sequence_of(uint32_t block) const noexcept;
  Status scan() noexcept;
  uint32_t scan_records(uint32_t block) noexcept;
  bool read_record(uint32_t place, StoredSample& sample) const noexcept;
  void insert(const StoredSample& sample) noexcept;
  void remove(uint32_t index) noexcept;
  uint32_t oldest_of(uint32_t label) const noexcept;
  bool is_erased(uint32_t address, uint32_t bytes) const noexcept;
  StoredSample next_sample(uint16_t label) const noexcept;
  Status program(Span<const float> stored, Span<const float> targets) noexcept;
  Status make_room() noexcept;
  Status erase_block(uint32_t block) noexcept;
  Status begin_block(uint32_t block) noexcept;
  Status move_out(uint32_t block) noexcept;
  Status copy(StoredSample& sample) noexcept;
  const StoredSample& sample_at(edge::SampleSet set, uint32_t index) const noexcept;
  Status read_input(const StoredSample& sample, Span<float> out) const noexcept;
  float target_of(const StoredSample& sample, uint32_t output) const noexcept;

  Flash* flash_ = nullptr;
  uint32_t first_sector_ = 0;
  SampleShape shape_;
  Span<StoredSample> memory_;
  uint32_t count_ = 0;
  uint32_t record_bytes_ = 0;
  uint32_t per_block_ = 0;
  uint32_t block_sectors_ = 0;
  uint32_t blocks_ = 0;
  uint32_t layout_ = 0;    ///< of the shape, in the header of each block
  uint32_t block_ = 0;     ///< that records go to
  uint32_t next_ = 0;      ///< free record of it
  uint32_t sequence_ = 0;  ///< of it; 0: the store is empty
  uint32_t age_ = 0;       ///< of the newest sample
  bool is_ready_ = false;  ///< the block after it is known to be erased
};

}  // namespace skink::firmware
