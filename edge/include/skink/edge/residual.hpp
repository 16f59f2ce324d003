#pragma once
/// @file
/// Error feedback on the device: what was not sent of a change, kept for the next one. The coordinator's next task says
/// whether an update was taken, so nothing is counted twice and nothing vanishes, whatever replies are lost
/// (docs/codec.md, section 8). Kept at the end of the arena, or in a store.

#include "skink/common/codec/encoder.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/edge/platform/vector_store.hpp"

namespace skink::edge {

/// The residual of one device, and what became of its last change.
class Residual {
 public:
  /// @param[in] store  what it borrows may be used as long as this is
  explicit Residual(const VectorStore& store) noexcept : store_(store) {}

  /// Has the store room for so many numbers?
  bool fits_store(size_t numbers) const noexcept { return numbers <= store_.capacity; }

  /// A change was encoded for this round, with this residual; whether it is taken will be told later.
  void on_encoded(uint64_t run, uint32_t round) noexcept;

  /// Is there a change of which nobody knows yet whether it was taken? Then settle() needs what it was encoded from.
  bool has_open_change() const noexcept { return is_open_; }

  /// A new task has come, the encoder's change can still be read: settles what became of it.
  ///
  /// @param[in] accepted_round  1 + the last round of this run whose update was taken; 0: none
  void settle(uint64_t run, uint32_t accepted_round, codec::Encoder& encoder) noexcept;

  /// Makes ready the residual that a task asks for: the one that is kept, if it is that, else zeros.
  ///
  /// @param[in] tag     what the task asks for
  /// @param[in] memory  [tag.numbers], the same for all tasks of a run; empty: in the store, which has the room
  void prepare(const VectorTag& tag, Span<float> memory) noexcept;

  /// Bytes at the end of the arena that hold what is still wanted.
  size_t kept_bytes() const noexcept { return kept_ ? memory_.size() * sizeof(float) : 0; }

  /// The memory that was given is used otherwise: what it held is gone.
  void forget() noexcept { kept_ = false; }

  /// The accepted_round of the residual that is used now; 0: zeros.
  uint32_t accepted_round() const noexcept { return tag_.version; }
  /// Lets a change have the residual that was prepared.
  void add_to(codec::Change& change) const noexcept;

 private:
  Status leave(codec::Encoder& encoder) noexcept;

  VectorStore store_;
  Span<float> memory_;    ///< empty: in the store
  bool kept_ = false;     ///< memory_ holds the residual of tag_
  VectorTag tag_;         ///< accepted_round is 0 for zeros
  bool is_open_ = false;  ///< a change was encoded and nothing is known yet
  uint64_t open_run_ = 0;
  uint32_t open_round_ = 0;
};

}  // namespace skink::edge
