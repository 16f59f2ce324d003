#pragma once
/// @file
/// The weights that a device adapted for itself, kept over resets in the port's VectorStore, in small steps. Alone
/// knows which model they belong to, and what they were adapted with.

#include "skink/common/model/model_file.hpp"
#include "skink/edge/client_config.hpp"
#include "skink/edge/config.hpp"

namespace skink::edge::internal {

#if SKINK_EDGE_PERSONAL

/// What is kept, and what is being written.
class PersonalWeights {
 public:
  /// Looks what the store holds. What it borrows is borrowed for the object's life.
  explicit PersonalWeights(const VectorStore& store) noexcept;

  /// Are weights of any model kept?
  bool is_kept() const noexcept { return kept_.numbers != 0; }
  /// Of this one?
  bool is_of(const model::ModelInfo& model) const noexcept;
  /// What they were adapted with, as adapt_now() was told; as foreign as the store is.
  AdaptSettings settings() const noexcept;
  /// Fills `out` with the numbers from 0 on; only if is_kept(). @returns kOk; what the store returns.
  Status read(Span<float> out) const noexcept { return store_.read(store_.context, 0, out); }

  /// Those that are kept are not used any more.
  void forget() noexcept { kept_ = {}; }

  /// Weights of this model are to be written in the place of those that are kept. Does nothing where the store has no
  /// room for them.
  void begin(const model::ModelInfo& model, const AdaptSettings& settings) noexcept;
  /// Is there a step for keep()?
  bool is_writing() const noexcept { return coming_.numbers != 0; }
  /// They are not written; those that were kept stay.
  void stop() noexcept { coming_ = {}; }
  /// The next step: erasing, kPieceNumbers numbers, or the end. @param[in] weights  [P], the same in each step.
  /// @returns kOk; on what the store returned otherwise it is not writing any more, and those that were kept stay.
  Status keep(Span<const float> weights) noexcept;

 private:
  static constexpr uint32_t kPieceNumbers = 64;

  const VectorStore store_;
  VectorTag kept_;    ///< numbers 0: none
  VectorTag coming_;  ///< numbers 0: none
  bool is_begun_ = false;
  uint32_t written_ = 0;
};

#else

/// Keeps nothing: the compiler leaves out what would be done with it.
class PersonalWeights {
 public:
  explicit PersonalWeights(const VectorStore& /*store*/) noexcept {}
  bool is_kept() const noexcept { return false; }
  bool is_of(const model::ModelInfo& /*model*/) const noexcept { return false; }
  AdaptSettings settings() const noexcept { return {}; }
  Status read(Span<float> /*out*/) const noexcept { return Status::kUnavailable; }
  void forget() noexcept {}
  void begin(const model::ModelInfo& /*model*/, const AdaptSettings& /*settings*/) noexcept {}
  bool is_writing() const noexcept { return false; }
  void stop() noexcept {}
  Status keep(Span<const float> /*weights*/) noexcept { return Status::kUnavailable; }
};

#endif

}  // namespace skink::edge::internal
