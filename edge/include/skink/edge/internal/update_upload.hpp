#pragma once
/// @file
/// What the current task ended with, and its way to the coordinator in chunks (docs/protocol.md, section 3, step 6).
/// Owns the result, the encoder that its bytes come from, and which chunk is next.

#include "skink/common/codec/encoder.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/edge/config.hpp"

namespace skink::edge::internal {

/// The result of the current task. Its chunks have one size: what the task allows, halved for what the link has shown
/// (docs/protocol.md, section 3, step 6). The encoder borrows what was given to it until the next task.
class UpdateUpload {
 public:
  /// A new task: no result yet.
  void reset(const wire::Task& task) noexcept;

  // The result, of which seek(0) begins the way to the coordinator.

  /// REFUSED.
  /// @param[in] needed, available  bytes, for DOES_NOT_FIT; else 0
  void set_refused(wire::Refusal reason, size_t needed, size_t available) noexcept;
  /// EVALUATED with the sums of its evaluation tasks.
  void set_evaluated(const wire::Evaluation& evaluation, uint32_t support_samples) noexcept;
  /// DIVERGED: a loss, or a parameter of the change, is not finite.
  void set_diverged(uint32_t support_samples) noexcept {
    result_.outcome = wire::Outcome::kDiverged;
    result_.support_samples = support_samples;
  }
  /// The encoder has begun. `residual_round`: of the residual that was added, 0 for none.
  void set_adapted(const wire::Task& task, uint32_t residual_round, uint32_t support_samples) noexcept;

  /// The task's model is there. `bytes`: what came of it and was not needed (ModelDownload::repeated_bytes()); whatever
  /// the result will be, it says so.
  void note_repeated(uint32_t bytes) noexcept { repeated_bytes_ = bytes; }

  /// The encoder of set_adapted(), and what the last change left, until the next change.
  codec::Encoder& encoder() noexcept { return encoder_; }

  /// The next chunk is `chunk`. False: there is no such chunk, nothing is changed.
  bool seek(uint32_t chunk) noexcept;
  /// The first chunk that was not sent; when all were, the last one.
  uint32_t resume_chunk() const noexcept {
    const uint32_t last = result_.chunk_count - 1;
    return result_.chunk < last ? result_.chunk : last;
  }

  /// Encodes the message of the next chunk.
  /// @returns kOk; kBufferTooSmall; what reading phi returned.
  Status encode_next(const wire::Identity& identity, uint64_t now_ms, MutableBytes out, size_t& written) noexcept;
  /// What was in the outbox has been sent. True: it was the next chunk; another is next now.
  bool on_published(uint64_t now_ms) noexcept;
  /// The connection is lost, and with it the chunk that was on its way.
  void on_disconnected() noexcept;
  /// Have all chunks been sent?
  bool is_sent() const noexcept { return result_.chunk >= result_.chunk_count; }

 private:
  void cut() noexcept;
  void shrink() noexcept;
  void begin_result(const wire::RoundId& id) noexcept;
  static Status read_payload(void* context, MutableBytes out) noexcept;

  wire::Update result_{};     ///< `chunk`: the next one
  uint32_t most_bytes_ = 0;   ///< of a chunk, as the task says
  uint32_t chunk_bytes_ = 0;  ///< of this result's chunks
  uint32_t sent_ms_ = 0;      ///< when the one in flight was
  uint32_t repeated_bytes_ = 0;
  uint8_t halvings_ = 0;       ///< of most_bytes_, as the link has shown
  uint8_t losses_ = 0;         ///< of the next chunk, with its connection
  bool is_uncut_ = true;       ///< the size of this result's chunks may be chosen still
  bool is_in_flight_ = false;  ///< the next chunk is in the outbox
  codec::Encoder encoder_{};
};

}  // namespace skink::edge::internal
