#pragma once
/// @file
/// Brings a model that a task or a release offers to where it belongs: from patches to a model that is there, where the
/// offer names a chain of them (docs/codec.md, section 9), else, or when anything goes wrong before it is written, as a
/// whole. Owns the offer, the way it comes, the chain, and the writing of a patched model.

#include "skink/edge/internal/chunk_download.hpp"
#include "skink/edge/internal/model_offer.hpp"
#include "skink/edge/internal/model_slot.hpp"
#include "skink/edge/model_patch.hpp"

namespace skink::edge::internal {

/// What an input did to a download.
enum class DownloadProgress : uint8_t {
  kNone,      ///< nothing
  kMoved,     ///< something came that was missing
  kFellBack,  ///< the chain is of no use: from now on the model comes as a whole
  kWritten,   ///< all chunks are stored; stopped
  kPatched,   ///< the patched model is stored; stopped
  kFailed,    ///< it cannot be stored; stopped
};

/// Where a download begins and where it goes.
struct DownloadPlaces {
  ModelSlot* base = nullptr;         ///< may hold the model that patches begin with
  ModelSlot* overwritten = nullptr;  ///< is overwritten by the download, and invalid from then on; null: none is
  uint32_t capacity = 0;             ///< of what is written, bytes
};

/// One download at a time.
class ModelDownload {
 public:
  /// Begins. What `places` names is borrowed until the next begin(). `memory`, 4-byte aligned, holds the parameters
  /// while they are patched. False: the model is larger than the capacity, or has too many chunks; stopped.
  bool begin(const ModelOffer& offer, const DownloadPlaces& places, MutableBytes memory) noexcept;
  /// After begin(): the longest model that could come in chunks of that size.
  uint32_t most_bytes() const noexcept {
    return chunks_.most_bytes() < places_.capacity ? chunks_.most_bytes() : places_.capacity;
  }
  /// Wants nothing any more; subscriptions end. What was written stays as it is.
  void stop() noexcept;
  /// The model of the last begin().
  const ModelOffer& offer() const noexcept { return offer_; }
  /// Payload of the model's chunks that came since begin() beside what it takes: what came twice, and, where the offer
  /// named a chain of patches, every chunk.
  uint32_t repeated_bytes() const noexcept;
  /// Is `memory` in use?
  bool is_patching() const noexcept { return way_ == Way::kPatches || way_ == Way::kWriting; }

  /// A clean session: what is missing is asked for again. A chain begins anew, it comes again with the task.
  void on_connected() noexcept;
  /// Nothing came in time. Patches are given up, missing chunks asked for by name.
  DownloadProgress on_timeout() noexcept;

  /// Client::on_model_bytes().
  bool on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept;
  /// Client::on_model_stored(). kNone, kMoved, kWritten, kPatched or kFailed.
  DownloadProgress on_stored(const ModelWrite& write, Status status) noexcept;
  /// Client::on_patch_bytes(). kNone: not the next bytes of the chain; kMoved or kFellBack.
  DownloadProgress on_patch_bytes(const PatchPiece& piece) noexcept;
  /// After kMoved: with the chain's last byte, is it the offered model? kNone or kFellBack.
  DownloadProgress finish_chain() noexcept;

  /// The next subscription, or write of a patched model. False: none, `action` is unspecified.
  bool next_action(Action& action) noexcept;

 private:
  enum class Way : uint8_t {
    kNone,
    kChunks,   ///< as a whole
    kPatches,  ///< the chain comes
    kWriting,  ///< the chain was right, the model is written
  };

  bool begin_patches(MutableBytes memory) noexcept;
  void begin_chunks() noexcept;
  void invalidate() noexcept {
    if (places_.overwritten != nullptr) places_.overwritten->invalidate();
  }
  ChunkPlace chunk_place() const noexcept { return {offer_.topic, offer_.topic_slot}; }
  DownloadProgress fall_back() noexcept;
  bool next_write(Action& action) noexcept;

  ModelOffer offer_;
  DownloadPlaces places_;
  Way way_ = Way::kNone;
  uint8_t patch_head_[wire::kPatchHeadBytes] = {};  ///< of the message that comes
  uint32_t number_ = 0;                             ///< of the writes of this download
  uint32_t written_bytes_ = 0;                      ///< of the patched model
  uint32_t writing_bytes_ = 0;                      ///< that the port was asked to write and has not yet
  uint32_t received_bytes_ = 0;                     ///< payload of the model's chunks
  ModelPatch patch_{};
  ChunkDownload chunks_{};
};

}  // namespace skink::edge::internal
