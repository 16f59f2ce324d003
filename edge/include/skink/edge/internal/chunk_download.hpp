#pragma once
/// @file
/// A model that comes as a whole, in chunks: owns which chunks are stored, and which subscriptions this connection has
/// to bring the others (docs/protocol.md, section 3, step 3).

#include <string.h>

#include "skink/edge/client_actions.hpp"
#include "skink/edge/config.hpp"

namespace skink::edge::internal {

/// Topics of one model's chunks: model/<slot>/<k> or release/<slot>/<k>.
struct ChunkPlace {
  wire::TopicKind topic = wire::TopicKind::kModel;
  uint32_t slot = 0;

  friend bool operator==(const ChunkPlace& a, const ChunkPlace& b) noexcept {
    return a.topic == b.topic && a.slot == b.slot;
  }
};

/// A set of chunk numbers below SKINK_EDGE_MAX_MODEL_CHUNKS.
class ChunkSet {
 public:
  /// Is `chunk` in the set?
  bool has(uint32_t chunk) const noexcept { return ((bits_[chunk / 8] >> (chunk % 8)) & 1) != 0; }
  /// Adds `chunk`, if it is not in the set.
  void insert(uint32_t chunk) noexcept { bits_[chunk / 8] = static_cast<uint8_t>(bits_[chunk / 8] | mask(chunk)); }
  /// Removes `chunk`, if it is in the set.
  void erase(uint32_t chunk) noexcept { bits_[chunk / 8] = static_cast<uint8_t>(bits_[chunk / 8] & ~mask(chunk)); }
  /// Removes all.
  void clear() noexcept { memset(bits_, 0, sizeof bits_); }

 private:
  static unsigned mask(uint32_t chunk) noexcept { return 1U << (chunk % 8); }

  uint8_t bits_[SKINK_EDGE_MAX_MODEL_CHUNKS / 8] = {};
};

/// Which chunks of a model are stored, and the subscriptions to the others. Start with set_model().
class ChunkDownload {
 public:
  /// The model that a download is for. `chunk_bytes`: of each chunk but the last, a size that
  /// wire::is_model_chunk_size(). False: it has more chunks than SKINK_EDGE_MAX_MODEL_CHUNKS.
  bool set_model(uint32_t model_bytes, uint32_t chunk_bytes) noexcept;
  /// The longest model that can come in chunks of the size of set_model().
  uint32_t most_bytes() const noexcept { return SKINK_EDGE_MAX_MODEL_CHUNKS * chunk_bytes_; }
  /// Nothing is stored yet, everything is wanted: one subscription to all chunks of `place`.
  void begin(const ChunkPlace& place) noexcept;
  /// No chunk is wanted for now; subscriptions in another place end.
  void pause(const ChunkPlace& place) noexcept {
    is_active_ = true;
    all_due_ = false;
    next_ = count_;
    place_ = place;
  }
  /// The download is over: its subscriptions end.
  void stop() noexcept { is_active_ = false; }

  /// A clean session: the broker knows of no subscription.
  void on_connected() noexcept {
    all_subscribed_ = false;
    asked_.clear();
    asked_end_ = 0;
  }
  /// Subscribes again, after on_connected(), to what is missing.
  void resume() noexcept {
    all_due_ = missing_ == count_;
    next_ = all_due_ ? count_ : 0;
  }
  /// Subscribes to each missing chunk by name.
  void request_missing() noexcept { next_ = 0; }

  /// The next subscription to make or to end. False: none, `action` is unspecified.
  bool next_action(Action& action) noexcept;

  /// Where a piece of a chunk belongs: offset, chunk and completes_chunk of `write`. False: not wanted, `write` is
  /// unchanged.
  bool place(const ModelPiece& piece, ModelWrite& write) noexcept;
  /// The last bytes of a chunk are written. False: they were before.
  bool on_stored(uint32_t chunk) noexcept;
  /// Chunks of the model.
  uint32_t count() const noexcept { return count_; }
  /// Are all chunks stored?
  bool is_complete() const noexcept { return missing_ == 0; }

 private:
  uint32_t length_of(uint32_t chunk) const noexcept;
  bool next_unsubscription(Action& action) noexcept;

  bool is_active_ = false;
  bool all_due_ = false;         ///< one subscription to all chunks is to be made
  bool all_subscribed_ = false;  ///< and was made
  ChunkPlace place_;
  ChunkPlace subscribed_;     ///< of the subscriptions there are
  uint32_t bytes_ = 0;        ///< of the model
  uint32_t chunk_bytes_ = 0;  ///< of each but the last
  uint32_t count_ = 0;        ///< chunks of the model
  uint32_t missing_ = 0;      ///< not stored yet
  uint32_t next_ = 0;         ///< the next chunk to subscribe to by name, if it is missing
  uint32_t asked_end_ = 0;    ///< asked_ has no chunk from here on
  uint32_t piece_chunk_ = 0;  ///< whose pieces come
  uint32_t piece_end_ = 0;    ///< where in it the next piece begins
  ChunkSet stored_;
  ChunkSet asked_;  ///< subscribed to by name
};

}  // namespace skink::edge::internal
