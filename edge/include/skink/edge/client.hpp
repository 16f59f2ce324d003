#pragma once
/// @file
/// The device's side of a round as a state machine without I/O: birth, task, model download, work, upload, reply,
/// retry. Messages, time and completions go in; actions come out. It knows no socket, clock, thread or file; the port
/// carries actions out and reports. The same object runs on a microcontroller, under Paho and in the simulator.
/// docs/protocol.md is the contract; edge/README.md shows the states.
///
/// A port's loop:
///   1. feed what happened: on_connected, on_task, on_reply, on_patch_bytes, on_model_bytes, on_published, on_time(now)
///   2. while (next_action(action)) carry it out
///   3. if (has_work()) work(now), then go to 2; otherwise sleep until next_wake_ms() or the next message
///
/// A port registers a last will when it connects: topic state, retained, no bytes.
///
/// Not thread-safe and not ISR-safe: one thread per client at a time. `now_ms` is any monotonic clock.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/codec/encoder.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/edge/config.hpp"
#include "skink/edge/model_patch.hpp"
#include "skink/edge/platform/residual_store.hpp"
#include "skink/edge/platform/samples.hpp"
#include "skink/edge/residual.hpp"
#include "skink/edge/task_runner.hpp"

namespace skink::edge {

/// What a birth message says of the device. The port keeps it up to date; 0: not known.
struct Health {
  uint32_t battery_percent = 255;  ///< 0..100; 255: mains
  uint32_t reset_reason = 0;       ///< the port's own number
  uint32_t free_bytes = 0;         ///< RAM that nothing uses, the arena left out
  uint32_t stack_used_bytes = 0;   ///< high-water mark since the reset
};

/// All pointers are borrowed for the client's life.
struct ClientConfig {
  wire::Identity identity;
  /// Working memory; its size is announced at birth. Up to 3 bytes before the first multiple of 4 are not used, and
  /// not counted.
  MutableBytes arena;
  const char* firmware = "";       ///< at most 32 characters
  const Health* health = nullptr;  ///< null: nothing is known
  uint32_t retry_ms = 4000;        ///< first wait for a chunk or a reply; doubles with every retry
  uint32_t retry_limit_ms = 60000;
  uint64_t jitter_seed = 0;  ///< spreads retries of a fleet; any value, never enters a model
};

/// What the port provides synchronously.
struct Platform {
  model::ByteSource model;  ///< reads the model slot; `size` is its capacity in bytes
  SampleSource samples;
  ResidualStore residuals;  ///< for error feedback where the arena has no room; none: such tasks are refused
};

enum class ActionKind : uint8_t { kSubscribe, kUnsubscribe, kPublish, kStoreModel };

/// Where bytes of a model go, and what they complete: the port carries writes out in the order in which it was given
/// them, and hands each back to on_model_stored() once it is done, late or not.
struct ModelWrite {
  uint32_t offset = 0;    ///< in the model slot
  uint32_t download = 0;  ///< the client's number of the download that they belong to
  uint32_t chunk = 0;     ///< of the model
  bool completes_chunk = false;
};

/// One thing to do. Subscriptions and publications are QoS 1.
struct Action {
  ActionKind kind = ActionKind::kPublish;
  wire::TopicKind topic = wire::TopicKind::kState;
  crypto::Digest model;  ///< kStoreModel: whose bytes these are
  uint32_t slot = 0;     ///< topic kModel
  uint32_t chunk = 0;    ///< topic kModel; wire::kAllChunks for all
  Bytes payload;         ///< kPublish: valid until on_published(); kStoreModel: until on_model_stored()
  bool retain = false;
  /// kStoreModel: the port writes the payload there in the model slot, in ascending order from 0, then calls
  /// on_model_stored().
  ModelWrite write;
};

/// A piece of a model chunk as it arrives, without the head of its message (ModelMessage). Transports with little
/// memory deliver a chunk in several pieces, in order.
struct ModelPiece {
  uint64_t model = 0;  ///< crypto::prefix_of() its digest
  uint32_t chunk = 0;
  uint32_t offset = 0;       ///< of this piece in its chunk
  uint32_t chunk_bytes = 0;  ///< whole length of the chunk
  uint32_t piece_bytes = 0;
};

/// A piece of a message on the client's own patch topic, as it arrives: in order from offset 0.
struct PatchPiece {
  uint32_t offset = 0;  ///< in the message
  Bytes bytes;
};

struct ClientCounters {
  uint32_t tasks = 0;
  uint32_t repeats = 0;  ///< tasks answered again without adapting again
  uint32_t adapted = 0;
  uint32_t evaluated = 0;
  uint32_t diverged = 0;
  uint32_t accepted = 0;
  uint32_t refused_by_coordinator = 0;
  uint32_t retries = 0;
  uint32_t patched = 0;         ///< models made from patches
  uint32_t patches_failed = 0;  ///< chains that did not come, or did not lead to the model: it was fetched whole
  uint32_t wrong_authentication = 0;
  uint32_t damaged_messages = 0;
  uint32_t refused[wire::kRefusalCount] = {};  ///< tasks this client refused, by reason
};

enum class ClientState : uint8_t {
  kIdle,         ///< no task, or one whose model did not come in time
  kDownloading,  ///< waiting for patches or chunks that make the task's model
  kWorking,      ///< adapting or evaluating; has_work()
  kUploading,    ///< sending the result
  kWaiting,      ///< everything sent, no reply yet
  kFinished,     ///< replied; the result is kept for a repeat
};

class Client {
 public:
  static constexpr uint64_t kNever = ~uint64_t{0};

  Client(const ClientConfig& config, const Platform& platform) noexcept;

  /// After a reset, before anything else: the last task that was begun. Older ones are still refused; the same one may
  /// come again.
  void restore_task(const wire::RoundId& id) noexcept;
  /// After a reset: the model slot holds a model file of so many bytes. @returns what model::inspect says of it;
  /// anything but kOk leaves the client without a model.
  Status restore_model(uint32_t bytes) noexcept;

  void on_connected(uint64_t now_ms) noexcept;
  void on_disconnected() noexcept;
  /// A message on the client's own task or reply topic. Any bytes.
  void on_task(Bytes message, uint64_t now_ms) noexcept;
  void on_reply(Bytes message, uint64_t now_ms) noexcept;
  /// The port could not note, for the time after a reset (restore_task()), the task that on_task() has just begun: it
  /// is not worked on, but refused with STORAGE_FAILED.
  void on_task_not_noted(uint64_t now_ms) noexcept;

  /// Asks where a piece of a model chunk belongs. True: the port writes it at `write.offset` of the model slot, then
  /// calls on_model_stored(). False: not wanted, drop it; pieces after a dropped one are not wanted either, until the
  /// chunk comes again from its beginning.
  bool on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept;
  /// A write has ended. One of a download that has been given up since counts for nothing, whatever its status.
  ///
  /// @param[in] write   as on_model_bytes() or the action gave it
  /// @param[in] status  anything but kOk: the task is refused, STORAGE_FAILED
  void on_model_stored(const ModelWrite& write, Status status, uint64_t now_ms) noexcept;

  /// A piece of a message on the client's own patch topic. Any bytes.
  void on_patch_bytes(const PatchPiece& piece, uint64_t now_ms) noexcept;

  /// The last kPublish action has left (or, better on a slow link, was acknowledged); its payload may change now. A
  /// port that could not send keeps the action and tries again.
  void on_published(uint64_t now_ms) noexcept;

  /// Call when next_wake_ms() has come; harmless at any other time.
  void on_time(uint64_t now_ms) noexcept;

  /// The next thing to do, if any.
  bool next_action(Action& action) noexcept;

  bool has_work() const noexcept { return state_ == ClientState::kWorking; }
  /// One step of work: one sample, or at most nn::kSliceSamples of a mini-batch.
  void work(uint64_t now_ms) noexcept;

  /// Forward pass of one sample with the device's own weights, between rounds. In this order:
  ///   - what the last adaptation to this device's samples ended with, of an adapt task or the last one of an evaluate
  ///     task, until the next task's first step. A task that diverged or failed on the way leaves none; one that is
  ///     refused before its first step takes none away.
  ///   - otherwise the received initialization, phi, of the model in the slot; after a reset, restore_model()'s. It is
  ///     read once, and stays in the arena until the next task.
  /// While a new model is downloaded, what was used before stays in use; phi cannot be read then, and a model that is
  /// being patched takes its place. No task, update or
  /// hash depends on whether, when or how often this is called.
  ///
  /// @param[in]  stored   [D] a sample's stored values (before the model's scale and offset), as SampleSource gives
  /// them.
  /// @param[out] outputs  [network.output_size()], the network's outputs; unchanged on errors. nn::argmax finds the
  /// label.
  /// @returns
  /// * kOk
  /// * kUnavailable     a task is being worked on or a model patched (the arena is its), no model has come yet, or phi
  ///                    cannot be read.
  /// * kShapeMismatch   a size is not the model's.
  /// * kBufferTooSmall  the arena has no room for parameters and one sample.
  ///
  /// Cost: one forward pass; with phi in the slot, reading it the first time. Not ISR-safe.
  Status predict(Span<const float> stored, Span<float> outputs) noexcept;
  /// What the last predict() used, or the next one will if it need not read phi; kNone while a task is worked on.
  Weights weights() const noexcept { return has_work() ? Weights::kNone : runner_.weights(); }

  /// When on_time() wants to be called; kNever if only a message can change anything.
  uint64_t next_wake_ms() const noexcept { return wake_ms_; }

  ClientState state() const noexcept { return state_; }
  bool has_task() const noexcept { return has_task_; }
  /// Of the current or last task; only if there is one.
  wire::RoundId task_id() const noexcept { return wire::id_of(task_); }
  /// Is there a whole, checked model in the slot?
  bool has_model() const noexcept { return model_ready_; }
  /// That model. Its digest names it.
  const model::ModelInfo& model() const noexcept { return model_; }
  uint32_t model_bytes() const noexcept { return model_bytes_; }
  /// The digest of the model that the task names, and its length.
  crypto::Digest download() const noexcept;
  uint32_t download_bytes() const noexcept { return task_.model_bytes; }
  const ClientCounters& counters() const noexcept { return counters_; }
  const nn::MemoryPlan& memory_plan() const noexcept { return runner_.memory_plan(); }

 private:
  struct PendingRefusal {
    bool waits = false;
    wire::RoundId id;
    wire::Refusal reason = wire::Refusal::kNone;
  };

  wire::Refusal check_task(const wire::Task& task) const noexcept;
  void start(const wire::Task& task, uint64_t now_ms) noexcept;
  void begin_download(uint64_t now_ms) noexcept;
  void begin_chunks(uint64_t now_ms) noexcept;
  void finish_download(uint64_t now_ms) noexcept;
  bool begin_patch(uint64_t now_ms) noexcept;
  void finish_patch(uint64_t now_ms) noexcept;
  void give_up_patch(uint64_t now_ms) noexcept;
  void restart_patch() noexcept;
  void on_patch_stored(Status status, uint64_t now_ms) noexcept;
  bool next_storing(Action& action) noexcept;
  void begin_work(uint64_t now_ms) noexcept;
  void finish_work(Progress progress, uint64_t now_ms) noexcept;
  Status encode_change() noexcept;
  void refuse_current(wire::Refusal reason, size_t needed, size_t available, uint64_t now_ms) noexcept;
  void begin_upload(uint32_t chunk, uint64_t now_ms) noexcept;
  void resume_upload(uint64_t now_ms) noexcept;
  void repeat(const wire::Task& task, uint64_t now_ms) noexcept;
  void retry(uint64_t now_ms) noexcept;
  void arm_timer(uint64_t now_ms) noexcept;
  bool next_subscription(Action& action) noexcept;
  bool next_model_subscription(Action& action) noexcept;
  bool next_unsubscription(Action& action) noexcept;
  bool next_publication(Action& action) noexcept;
  bool publish_birth(Action& action) noexcept;
  bool publish_refusal(Action& action) noexcept;
  bool publish_chunk(Action& action) noexcept;
  void fill_publish(Action& action, wire::TopicKind topic, size_t bytes, bool retain) noexcept;
  uint32_t chunk_length(uint32_t chunk) const noexcept;
  static Status read_phi(void* context, size_t first, Span<float> out) noexcept;
  static Status read_payload(void* context, MutableBytes out) noexcept;

  ClientConfig config_;
  Platform platform_;
  ClientState state_ = ClientState::kIdle;
  ClientCounters counters_;
  bool connected_ = false;
  uint64_t wake_ms_ = kNever;
  uint64_t deadline_ms_ = kNever;
  uint32_t retries_ = 0;

  // what to subscribe and publish next
  bool task_wanted_ = false;
  bool reply_wanted_ = false;
  bool patch_wanted_ = false;
  bool birth_wanted_ = false;
  uint64_t challenge_ = 0;  ///< of the last PRESENCE task of this connection
  bool outbox_busy_ = false;
  /// What is in the outbox; kOldChunk: a chunk of an upload that has begun anew since.
  enum class Sending : uint8_t { kBirth, kRefusal, kChunk, kOldChunk } sending_ = Sending::kBirth;
  PendingRefusal refusal_;

  // the current task and its result
  bool has_task_ = false;
  wire::Task task_{};
  wire::Update result_;
  uint32_t update_chunk_ = 0;
  size_t chunk_bytes_ = SKINK_EDGE_CHUNK_BYTES;
  size_t payload_offset_ = 0;

  // the model slot
  model::ModelInfo model_;
  bool model_ready_ = false;
  uint32_t model_bytes_ = 0;
  uint32_t chunk_count_ = 0;
  uint32_t chunks_missing_ = 0;
  uint32_t subscribe_next_ = 0;  ///< next chunk to ask for one by one
  bool subscribe_all_ = false;   ///< one subscription for all chunks is due
  bool subscribed_all_ = false;
  uint32_t subscribed_slot_ = 0;
  uint32_t download_ = 0;                                 ///< number of the current one
  uint32_t piece_chunk_ = 0;                              ///< whose pieces come
  uint32_t piece_end_ = 0;                                ///< where the next one of it begins
  uint8_t chunks_[SKINK_EDGE_MAX_MODEL_CHUNKS / 8] = {};  ///< those that are stored
  uint8_t asked_[SKINK_EDGE_MAX_MODEL_CHUNKS / 8] = {};   ///< those subscribed to by name, below asked_end_
  uint32_t asked_end_ = 0;

  // the same from patches
  enum class Patching : uint8_t { kNo, kReceiving, kStoring } patching_ = Patching::kNo;
  ModelPatch patch_;
  uint8_t patch_head_[wire::kPatchHeadBytes] = {};  ///< of the message that comes
  uint32_t stored_bytes_ = 0;
  uint32_t storing_bytes_ = 0;  ///< that the port was asked to write and has not yet

  TaskRunner runner_;
  codec::Codec codec_;  ///< of the current task
  codec::Encoder encoder_;
  Residual residual_;
  uint8_t outbox_[SKINK_EDGE_CHUNK_BYTES + wire::kUpdateOverheadBytes] = {};
};

}  // namespace skink::edge
