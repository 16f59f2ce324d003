#pragma once
/// @file
/// Decides what an announced release means: one to fetch, the one that is kept, or one to refuse, with the reason
/// (docs/protocol.md, section 7). Owns the announcement, how far it has got, the number that is kept, and what births
/// say of it. Which model is kept, the second ModelSlot knows.

#include "skink/edge/internal/model_offer.hpp"
#include "skink/edge/internal/model_slot.hpp"
#include "skink/edge/platform/release_store.hpp"
#include "skink/edge/task_runner.hpp"

namespace skink::edge::internal {

/// How far the announced release has got.
enum class ReleaseStage : uint8_t {
  kNone,      ///< none is announced, or it was refused
  kWanted,    ///< to be fetched when the client has nothing else to do
  kFetching,  ///< it is downloaded
  kKeeping,   ///< it is there and checked; the port makes it the one that is kept
  kKept,      ///< it is the one that is kept
};

/// The announced release, and the number of the one that is kept.
class ReleaseGate {
 public:
  /// What a message means.
  enum class Meaning : uint8_t {
    kNew,      ///< to be fetched
    kRepeat,   ///< the one that is wanted or fetched already
    kKept,     ///< the one that is kept
    kRefused,  ///< neither; describe() says why
  };

  /// `key` and `kept`, of which the capacity is that of the store, are borrowed for the gate's life.
  ReleaseGate(Bytes key, const ModelSlot& kept) noexcept;

  /// Has the device a key and a store?
  bool is_open() const noexcept { return !key_.empty() && kept_.capacity() != 0; }

  /// The number of a release of before the reset: lower ones are refused.
  void restore(uint32_t number, KeptRelease which = KeptRelease::kLast) noexcept {
    kept_number_ = number;
    has_previous_ = which == KeptRelease::kPrevious;
    is_changed_ = true;
  }

  /// A new announcement. Cost: verifying a signature.
  Meaning announce(const wire::Release& message) noexcept;
  /// None is announced any more.
  void withdraw() noexcept;
  /// A clean session: whether the release is still announced, a message will say.
  void on_connected() noexcept { is_announced_ = false; }
  /// Has it been announced on this connection?
  bool is_announced() const noexcept { return is_announced_; }

  /// How far the announced release has got.
  ReleaseStage stage() const noexcept { return stage_; }
  /// It goes on from here, to any stage but kKept and kNone.
  void go_on(ReleaseStage stage) noexcept {
    stage_ = stage;
    is_keep_due_ = stage == ReleaseStage::kKeeping;
  }
  /// It is the one that is kept now.
  void on_kept() noexcept;
  /// It is not to be had, or not usable.
  void refuse(wire::Refusal reason) noexcept;

  /// The announced model; unspecified in kNone, like the functions below.
  const ModelOffer& offer() const noexcept { return offer_; }
  /// SHA-256 of its whole file, as it was signed.
  const crypto::Digest& content() const noexcept { return content_; }
  /// The evaluation task by which the device judges it. Passes 0: none.
  TaskSettings judgement() const noexcept;
  /// Once in kKeeping: what the port is to keep; `copies`: from the model slot.
  bool next_keep(bool copies, Action& action) noexcept;

  /// What the last judgement came to.
  wire::ReleaseUse use() const noexcept { return use_; }
  void set_use(wire::ReleaseUse use) noexcept;

  /// What a birth says of releases.
  void describe(wire::State& state) const noexcept;
  /// Has that changed since the last call?
  bool take_change() noexcept {
    const bool changed = is_changed_;
    is_changed_ = false;
    return changed;
  }

 private:
  /// What judgement() is made of, beside the offer's seed.
  struct Judgement {
    float inner_learning_rate = 0.0F;
    uint32_t passes = 0;
    uint32_t batch_size = 0;
    uint32_t first_task = 0;
  };

  wire::Refusal reason_to_refuse(const ModelOffer& offer, uint32_t number) const noexcept;
  void set_refused(uint32_t number, wire::Refusal reason) noexcept;

  const Bytes key_;
  const ModelSlot& kept_;
  ReleaseStage stage_ = ReleaseStage::kNone;
  wire::Refusal reason_ = wire::Refusal::kNone;
  wire::ReleaseUse use_ = wire::ReleaseUse::kUnknown;
  bool is_announced_ = false;
  bool is_keep_due_ = false;
  bool is_changed_ = false;
  bool has_previous_ = false;  ///< the model that is kept is that of the release before
  uint32_t kept_number_ = 0;   ///< 0: none is kept
  uint32_t refused_ = 0;       ///< number of what was refused for reason_
  uint32_t number_ = 0;        ///< of the announced release
  ModelOffer offer_;
  crypto::Digest content_;
  Judgement judgement_;
};

}  // namespace skink::edge::internal
