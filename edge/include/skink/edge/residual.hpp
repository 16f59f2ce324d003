#pragma once
/// @file
/// Error feedback on the device: what was not sent of a change, kept for the next one. The coordinator's next task says
/// whether an update was taken, so nothing is counted twice and nothing vanishes, whatever replies are lost
/// (docs/codec.md, section 8). Kept at the end of the arena.

#include "skink/common/codec/encoder.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::edge {

class Residual {
 public:
  /// A change was encoded for this round, with this residual; whether it is taken will be told later.
  void on_encoded(uint64_t run, uint32_t round) noexcept;

  /// A new task has come, the encoder's change can still be read: settles what became of it.
  ///
  /// @param[in] accepted_round  1 + the last round of this run whose update was taken; 0: none
  void settle(uint64_t run, uint32_t accepted_round, codec::Encoder& encoder) noexcept;

  /// Makes ready the residual that a task asks for: the one that is kept, if it is that, else zeros.
  ///
  /// @param[in] memory  [trainable_count], the same for all tasks of a run
  void prepare(uint64_t run, uint32_t accepted_round, Span<float> memory) noexcept;

  /// Bytes at the end of the arena that hold what is still wanted.
  size_t kept_bytes() const noexcept { return kept_ ? memory_.size() * sizeof(float) : 0; }

  /// The memory that was given is used otherwise.
  void forget() noexcept { kept_ = false; }

  /// The accepted_round of the residual that is used now; 0: zeros.
  uint32_t round() const noexcept { return round_; }
  /// [trainable_count], in the memory that prepare() was given.
  const float* memory() const noexcept { return memory_.data(); }

 private:
  Span<float> memory_;
  bool kept_ = false;  ///< memory_ holds the residual after round_ - 1 of run_
  uint64_t run_ = 0;
  uint32_t round_ = 0;
  bool is_open_ = false;  ///< a change was encoded and nothing is known yet
  uint64_t open_run_ = 0;
  uint32_t open_round_ = 0;
};

}  // namespace skink::edge
