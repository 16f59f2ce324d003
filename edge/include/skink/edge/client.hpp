#pragma once
/// @file
/// The device's side of a round as a state machine without I/O: birth, task, model download, work, upload, reply,
/// retry. Messages, time and completions go in; actions come out. It knows no socket, clock, thread or file; the port
/// carries actions out and reports. The same object runs on a microcontroller, under Paho and in the simulator.
/// docs/protocol.md is the contract; edge/README.md shows the states.
///
/// A port's loop:
///   1. feed what happened: on_connected, on_task, on_reply, on_release, on_patch_bytes, on_model_bytes, on_published,
///      on_time(now)
///   2. while (next_action(action)) carry it out
///   3. if (has_work()) work(now), then go to 2; otherwise sleep until next_wake_ms() or the next message
///
/// A client whose floating point is not what docs/arithmetic.md requires (arithmetic/canary.hpp) takes part in nothing:
/// it says so with arithmetic version 0 in its births, refuses every task with VERSION_MISMATCH, and adapts to nothing
/// of its own. Its predictions may differ in the last bits.
///
/// A port registers a last will when it connects: topic state, retained, no bytes.
///
/// Not thread-safe and not ISR-safe: one thread per client at a time. `now_ms` is any monotonic clock.

#include <stdint.h>

#include "skink/edge/client_actions.hpp"
#include "skink/edge/client_config.hpp"
#include "skink/edge/internal/birth.hpp"
#include "skink/edge/internal/model_download.hpp"
#include "skink/edge/internal/personal_weights.hpp"
#include "skink/edge/internal/release_gate.hpp"
#include "skink/edge/internal/retry_timer.hpp"
#include "skink/edge/internal/task_gate.hpp"
#include "skink/edge/internal/update_upload.hpp"
#include "skink/edge/residual.hpp"
#include "skink/edge/task_runner.hpp"

namespace skink::edge {

/// Where the client is in a task; edge/README.md draws the transitions.
enum class ClientState : uint8_t {
  kIdle,         ///< no task, or one whose model did not come in time
  kDownloading,  ///< waiting for patches or chunks that make the task's model
  kWorking,      ///< adapting or evaluating; has_work()
  kUploading,    ///< sending the result
  kWaiting,      ///< everything sent, no reply yet
  kFinished,     ///< replied, or the deadline has passed; the result is kept for a repeat
};

/// The client of one device. Each part of its state has one owner: Birth what a connection begins with, TaskGate the
/// task, ReleaseGate the release, ModelSlot a model, ModelDownload its way there, TaskRunner the work and the weights,
/// Residual the error feedback, UpdateUpload the result, RetryTimer the waiting. Client connects them: it owns the
/// state, the counters, what of the arena is in use, and the outbox.
///
/// Size by options: docs/porting.md, "Memory". Not copyable: parts refer to each other.
class Client {
 public:
  /// What next_wake_ms() returns while only a message can change anything.
  static constexpr uint64_t kNever = internal::RetryTimer::kNever;

  /// A client without task and model, not connected. Does no work and calls none of the platform's callbacks.
  ///
  /// @param[in] config    copied; what it points to is borrowed for the client's life.
  /// @param[in] platform  copied; its contexts are borrowed for the client's life.
  Client(const ClientConfig& config, const Platform& platform) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // ---- after a reset, before anything else

  /// The last task that was begun before the reset. Lower ones are refused (LOWER_ROUND, ANOTHER_RUN); the same one may
  /// come again and is then worked on anew.
  void restore_task(const wire::RoundId& id) noexcept;

  /// The model slot holds a model file. Reads and checks all of it; on an error the client has no model, and the next
  /// task downloads one.
  ///
  /// @param[in] bytes  length of the file, 1..Platform::model.size
  /// @returns kInvalidArgument for a length out of range, nothing is changed; otherwise what model::inspect() returns:
  ///          kOk, kTruncated, kDamaged, kNewerVersion, kUnsupported, kShapeMismatch, kInvalidArgument, kNotFinite,
  ///          kUnavailable.
  Status restore_model(uint32_t bytes) noexcept;

  /// The release that is kept: releases of a lower number are refused from now on, also when its model cannot be read.
  /// Reads and checks all of it; predict() uses it if it is sound. No other release may have been restored before.
  ///
  /// @param[in] number, bytes  as the action kKeepRelease gave them; `bytes` is at least 1
  /// @param[in] which  kPrevious: the model of release `number` cannot be read, and the store has the one before in its
  ///                   place, of `bytes` bytes. Release `number` is fetched again when it is announced.
  /// @returns as restore_model(); on an error the same release is fetched again when it is announced.
  Status restore_release(uint32_t number, uint32_t bytes, KeptRelease which = KeptRelease::kLast) noexcept;

  // ---- the connection

  /// A clean MQTT session is up: subscriptions and the birth are due, an upload goes on at the first chunk that was not
  /// acknowledged, missing chunks of a model are asked for again.
  void on_connected(uint64_t now_ms) noexcept;
  /// The session is gone. What was in flight counts as not sent; work goes on.
  void on_disconnected() noexcept;

  /// Leaves on purpose: when what is in flight has gone, the end of the client's state is published, and nothing else
  /// any more; has_left() then, and the port says DISCONNECT. Until on_disconnected().
  void leave() noexcept { farewell_ = farewell_ == Farewell::kNone ? Farewell::kDue : farewell_; }
  /// The broker knows that the client is gone.
  bool has_left() const noexcept { return farewell_ == Farewell::kSaid; }
  /// Is there nothing that a connection is needed for: no task, no download, nothing to be sent or done?
  bool is_at_rest() const noexcept {
    const internal::ReleaseStage stage = releases_.stage();
    const bool has_release = stage == internal::ReleaseStage::kNone || stage == internal::ReleaseStage::kKept;
    return is_connected_ && is_idle() && has_release && !has_work() && !is_outbox_busy_ && !birth_.is_due();
  }

  // ---- messages on the client's own topics

  /// A whole message on the task topic; any bytes, borrowed for the call. A wrong code or bytes that are no task are
  /// counted and ignored. A task that cannot be done is refused by an update (docs/protocol.md, section 3, step 2).
  /// A task that begins raises counters().tasks: the port then notes task_id() for restore_task().
  void on_task(Bytes message, uint64_t now_ms) noexcept;

  /// A whole message on the reply topic; any bytes, borrowed for the call. Ignored unless it answers the current task
  /// and a result is being sent.
  void on_reply(Bytes message, uint64_t now_ms) noexcept;

  /// A whole message on the release topic; any bytes, borrowed for the call; none: no release is announced any more. A
  /// wrong code or bytes that are no release are counted and ignored. A release that cannot be used is refused in the
  /// next birth (docs/protocol.md, section 7); another one is fetched when no task is to be done. Ignored without a
  /// release store or key. Cost: verifying a signature.
  void on_release(Bytes message, uint64_t now_ms) noexcept;

  /// The port could not note the task that on_task() has just begun: it is not worked on, but refused with
  /// STORAGE_FAILED, for a reset would make the client forget that older ones are to be refused. Call before anything
  /// else of the client.
  void on_task_not_noted(uint64_t now_ms) noexcept;

  /// A piece of a message on the patch topic; any bytes, borrowed for the call. Those of another model, that came
  /// before or that have a gap before them are ignored. Cost: with the last byte of a patch, decoding it; with the last
  /// byte of the chain, a hash over the model.
  void on_patch_bytes(const PatchPiece& piece, uint64_t now_ms) noexcept;

  /// Asks where a piece of a model chunk belongs.
  ///
  /// @param[in]  piece  as ModelMessage::take() gives it
  /// @param[out] write  where the port writes the piece; unchanged when the result is false.
  /// @returns true: write the piece at `write.offset` of `write.store`, then call on_model_stored(). false: not wanted,
  ///          drop it; pieces after a dropped one are not wanted either, until the chunk comes again from its
  ///          beginning.
  bool on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept;

  // ---- completions

  /// A write of a model has ended. One of a download that has been given up since counts for nothing, whatever
  /// its status. Cost: with the last chunk, a hash over the model.
  ///
  /// @param[in] write   as on_model_bytes() or the action gave it
  /// @param[in] status  anything but kOk: the task or the release is refused, STORAGE_FAILED
  void on_model_stored(const ModelWrite& write, Status status, uint64_t now_ms) noexcept;

  /// The action kKeepRelease has ended. @param[in] status  anything but kOk: the release is refused, STORAGE_FAILED;
  /// the old one stays. Cost: a hash over the model.
  void on_release_kept(Status status, uint64_t now_ms) noexcept;

  /// The answer to the action kProbe has come; messages that came before it were handed over before.
  void on_probe_answered(uint64_t now_ms) noexcept;

  /// The last kPublish action has left (or, better on a slow link, was acknowledged); its payload may change now. A
  /// port that could not send keeps the action and tries again. Ignored when nothing is in flight.
  void on_published(uint64_t now_ms) noexcept;

  // ---- time

  /// Retries what is overdue, or gives up a task whose time is over. Call when next_wake_ms() has come; harmless at any
  /// other time.
  void on_time(uint64_t now_ms) noexcept;

  /// When to call on_time(), in the clock of `now_ms`; kNever if only a message can change anything.
  uint64_t next_wake_ms() const noexcept { return timer_.wake_ms(); }

  // ---- actions and work

  /// Takes the next thing to do. At most one publication is in flight: there is no other until on_published().
  ///
  /// @param[out] action  unspecified when the result is false; its payload is borrowed, see Action::payload.
  /// @returns false: nothing now. Always while not connected.
  bool next_action(Action& action) noexcept;

  /// Is there a step for work() to do?
  bool has_work() const noexcept { return is_working() || personal_.is_writing() || is_own_work_due(); }

  /// One step of work, of a task or of judging a release: one sample, or at most nn::kSliceSamples of a mini-batch; the
  /// first step reads phi, the last one scans the change. Does nothing unless has_work().
  void work(uint64_t now_ms) noexcept;

  // ---- the device's own

  /// SampleSource::count has changed. The next birth says so; the first sample of a class, and twice as many as were
  /// told, are worth one.
  void on_samples_changed() noexcept;

  /// Adapts the fleet's model, the release where one is kept, to the device's own samples, without a task and connected
  /// or not; the steps are work()'s. The query samples of the source, held back from it, decide: if their loss is not
  /// lower afterwards, the adapted weights are dropped, and predict() uses what it used before. From then on the client
  /// does so again by itself: for a new release, and, if nothing is kept, when a task has taken the arena.
  /// No task, update or hash depends on it.
  ///
  /// Where Platform::personal has room, weights that were taken are written there, in steps of work() too; a reset and
  /// a task then cost nothing: they are used again as they are. Weights of a model of the rounds that were adapted
  /// again by itself are not written: the next round brings another model. Held-back samples compare with the weights
  /// in use: those that are kept, else the model's.
  ///
  /// @param[in] settings  used again each time; a release's own rate and passes give way to them. Without any, those of
  /// the
  ///                      model in use (docs/model-file.md), each time anew
  /// @returns
  /// * kOk               has_work(); what came of it is own_use().
  /// * kUnavailable      a task is not done yet, a release is judged or a model patched (the arena is theirs), no model
  ///                     has come yet, or there is no sample.
  /// * kBufferTooSmall   the arena has no room for it, beside what error feedback keeps in it.
  /// * kInvalidArgument  settings out of range; without any: the model says none.
  /// * kUnsupported      this build does not compute as docs/arithmetic.md says (wire::has_own_arithmetic()), or is
  ///                     without all this (SKINK_EDGE_PERSONAL).
  /// * others            what the source's begin() returned.
  /// On an error the weights stay as they are. The result of a task that has ended gives way, where the arena is short.
  Status adapt_now(const AdaptSettings& settings = {}) noexcept;

  /// What the last adaptation to the device's own samples came to, of adapt_now() or of a release: kAdapted, kWorse,
  /// kDiverged, or kNotJudged without query samples or when a sample could not be read; kUnknown while none has ended.
  wire::ReleaseUse own_use() const noexcept { return own_use_; }

  // ---- prediction

  /// Forward pass of one sample with the device's own weights, between rounds. Where a release is kept, its weights:
  ///   - adapted to this device's samples, if these said that it lowers the loss, until the next task begins,
  ///   - otherwise as released, read from the store once, and again after each task.
  /// Where none is kept, in this order:
  ///   - what Platform::personal keeps for the model in the slot, read from it again after each task.
  ///   - what the last adaptation to this device's samples ended with, of adapt_now(), an adapt task or the last one of
  ///   an
  ///     evaluate task, until the next task's first step. A task that diverged or failed on the way leaves none; one
  ///     that is refused before its first step takes none away.
  ///   - otherwise the received initialization, phi, of the model in the slot; after a reset, restore_model()'s. It is
  ///     read once, and stays in the arena until the next task.
  /// While a new model is downloaded, what was used before stays in use, but for weights of which a part is read where
  /// the model is: those of a task with a scope, and phi where the arena has no room for it; phi cannot be read then,
  /// and a model that is being patched takes its place. No task, update or hash depends on whether, when or how often
  /// this is called.
  ///
  /// @param[in]  stored   [D] a sample's stored values (before the model's scale and offset), as SampleSource gives
  ///                      them.
  /// @param[out] outputs  [network.output_size()], the network's outputs; unchanged on errors. nn::argmax finds the
  ///                      label.
  /// @returns
  /// * kOk
  /// * kUnavailable     a task is being worked on, a release judged, or a model patched (the arena is theirs), no model
  ///                    has come yet, or phi cannot be read.
  /// * kShapeMismatch   a size is not the model's.
  /// * kBufferTooSmall  the arena has no room for parameters and one sample; with a release, beside what is still to be
  ///                    sent of a task, or may be needed for error feedback.
  ///
  /// Cost: one forward pass; with phi in the slot, reading it the first time. Not ISR-safe.
  Status predict(Span<const float> stored, Span<float> outputs) noexcept;

  /// What the last predict() used, or the next one will if it need not read phi; kNone while a task is worked on.
  Weights weights() const noexcept { return is_working() ? Weights::kNone : runner_.weights(); }

  // ---- what to know of the client; references stay valid for its life and change with it

  /// Where the current task stands.
  ClientState state() const noexcept { return state_; }
  /// Is there a task, current, ended or restored?
  bool has_task() const noexcept { return gate_.has_task(); }
  /// (run, round, attempt) of that task; only if has_task().
  wire::RoundId task_id() const noexcept { return wire::id_of(gate_.task()); }
  /// Is there a whole, checked model in the slot?
  bool has_model() const noexcept { return slot_.has_model(); }
  /// That model, of which the digest is the name; unspecified unless has_model().
  const model::ModelInfo& model() const noexcept { return slot_.info(); }
  /// Length of that model's file in bytes; unspecified unless has_model().
  uint32_t model_bytes() const noexcept { return slot_.bytes(); }
  /// Is a release kept, whole and checked? Then predict() uses it.
  bool has_release() const noexcept { return release_.has_model(); }
  /// What the device's samples said of it.
  wire::ReleaseUse release_use() const noexcept { return releases_.use(); }
  /// Digest of the model that is downloaded, or was last; zeros before.
  const crypto::Digest& download() const noexcept { return download_.offer().digest; }
  /// Length of that model's file in bytes.
  uint32_t download_bytes() const noexcept { return download_.offer().bytes; }
  /// What has happened since construction.
  const ClientCounters& counters() const noexcept { return counters_; }
  /// The arena as the last task that got so far needs it, in bytes by use; all 0 before.
  const nn::MemoryPlan& memory_plan() const noexcept { return runner_.memory_plan(); }

 private:
  enum class Probe : uint8_t { kNone, kDue, kAsked };
  enum class Farewell : uint8_t { kNone, kDue, kOnItsWay, kSaid };

  bool is_working() const noexcept { return state_ == ClientState::kWorking || is_judging_; }
  bool adapts_itself() const noexcept { return SKINK_EDGE_PERSONAL != 0 && adapts_itself_; }
  bool is_own_work_due() const noexcept {
    return is_judgement_due_ && adapts_itself() && is_idle() && used().has_model() && !download_.is_patching();
  }
  bool is_idle() const noexcept { return state_ == ClientState::kIdle || state_ == ClientState::kFinished; }
  bool is_downloading() const noexcept { return state_ == ClientState::kDownloading || is_fetching(); }
  bool is_fetching() const noexcept { return releases_.stage() == internal::ReleaseStage::kFetching; }
  bool is_adapted_release() const noexcept { return has_own_weights_ && runner_.weights() == Weights::kAdapted; }
  void refuse_release(wire::Refusal reason) noexcept;
  void count_refused_release() noexcept;
  void pursue_release() noexcept;
  void begin_fetching() noexcept;
  void stop_fetching() noexcept;
  void stop_download() noexcept;
  void finish_release_download() noexcept;
  void check_release(const internal::ModelSlot& place) noexcept;
  void begin_judgement() noexcept;
  void set_use(wire::ReleaseUse use) noexcept;
  Status begin_own_work(TaskSettings settings) noexcept;
  AdaptSettings own_settings(const AdaptSettings& wanted) const noexcept;
  void take_up_personal() noexcept;
  void keep_personal() noexcept;
  /// Does the device use weights of its own, not what the last task ended with?
  bool uses_own_weights() const noexcept { return has_release() || is_personal(); }
  /// Are weights kept that were adapted for the model in use?
  bool is_personal() const noexcept { return used().has_model() && personal_.is_of(used().info()); }
  /// The model that the device uses.
  const internal::ModelSlot& used() const noexcept { return has_release() ? release_ : slot_; }
  internal::ModelSlot& used() noexcept { return has_release() ? release_ : slot_; }
  /// The tensors that the change of the current task leaves out: the network is narrowed to the others for the codec.
  uint32_t left_out() const noexcept;
  void finish_judgement(Progress progress) noexcept;
  void lose_release_weights() noexcept;
  MutableBytes spare_arena() const noexcept;
  bool give_up_result() noexcept;
  Status load_phi(const internal::ModelSlot& slot) noexcept;
  bool is_sending() const noexcept { return state_ == ClientState::kUploading || state_ == ClientState::kWaiting; }
  bool is_readable(Status decoded) noexcept;
  void start(const wire::Task& task) noexcept;
  void repeat(const wire::Task& task) noexcept;
  void refuse(wire::Refusal reason, size_t needed = 0, size_t available = 0) noexcept;
  void begin_download() noexcept;
  void follow(internal::DownloadProgress progress) noexcept;
  void finish_download() noexcept;
  void await_model() noexcept;
  void probe() noexcept;
  bool next_probe(Action& action) noexcept;
  void begin_work() noexcept;
  void finish_work(Progress progress) noexcept;
  Status encode_change() noexcept;
  void begin_upload(uint32_t chunk) noexcept;
  void resume_upload() noexcept;
  void give_up() noexcept;
  void retry() noexcept;
  void arm_timer() noexcept { timer_.arm(now_ms_, gate_.task().round); }
  bool next_publication(Action& action) noexcept;
  bool next_farewell(Action& action) noexcept;
  bool encode_birth(size_t& written) noexcept;
  bool encode_refusal(size_t& written) noexcept;
  bool encode_chunk(size_t& written) noexcept;

  // What the client was made from.
  const wire::Identity identity_;
  const MutableBytes arena_;
  const SampleSource samples_;
  const ReleaseStore store_;
  uint64_t now_ms_ = 0;  ///< of the call that is being answered

  ClientState state_ = ClientState::kIdle;
  bool is_connected_ = false;
  bool is_outbox_busy_ = false;
  Probe probe_ = Probe::kNone;
  Farewell farewell_ = Farewell::kNone;
  bool has_progress_ = false;      ///< bytes of the model came since it was waited for
  bool copies_release_ = false;    ///< the release to keep is in the model slot
  bool is_judgement_due_ = false;  ///< when there is nothing else to do
  bool is_judging_ = false;        ///< the runner works for a release, or for adapt_now()
  bool adapts_itself_ = false;     ///< with own_
  bool is_asked_ = false;          ///< the work is adapt_now()'s, not done again because of a task or a release
  wire::ReleaseUse own_use_ = wire::ReleaseUse::kUnknown;
  bool has_own_weights_ = false;  ///< those of the runner are a release's or adapt_now()'s, not a task's

  internal::ModelSlot release_;
  internal::ReleaseGate releases_;
  internal::Birth birth_;
  internal::RetryTimer timer_;
  internal::TaskGate gate_{};
  internal::ModelSlot slot_;
  internal::ModelDownload download_;
  AdaptSettings own_;  ///< the last of adapt_now()
  TaskRunner runner_{};
  codec::Codec codec_;  ///< of the current task
  internal::PersonalWeights personal_;
  Residual residual_;
  internal::UpdateUpload upload_{};
  size_t result_bytes_ = 0;  ///< of the arena, from its begin: what the result is encoded from
  ClientCounters counters_{};
  uint8_t outbox_[SKINK_EDGE_CHUNK_BYTES + wire::kUpdateOverheadBytes] = {};
};

}  // namespace skink::edge
