#pragma once
/// @file
/// What the coordinator says, as a list of actions in order: models and patches, tasks, replies, challenges, commits.
/// It alone knows what the broker keeps of the model, and counts what is sent. docs/protocol.md, sections 1 and 4.

#include <cstdint>
#include <utility>
#include <vector>

#include "skink/coordinator/core/actions.hpp"
#include "skink/coordinator/core/device_book.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/downlink.hpp"
#include "skink/rounds/meta_model.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::coordinator {

/// What a device is asked to do now.
struct TaskRequest {
  /// What the message is sent for: a reminder finds the device waiting for a chain of patches, or for the whole model
  /// that it fetches when no chain comes, so it carries no chain again.
  enum class Sending { kFirst, kReminder };

  wire::RoundId id;
  wire::TaskKind kind = wire::TaskKind::kAdapt;
  Sending sending = Sending::kFirst;
  std::uint32_t device_index = 0;
  rounds::InnerLoop loop;
  std::uint32_t accepted_round = 0;  ///< error feedback
  std::uint64_t time_left_ms = 0;
  std::uint32_t first_task = 0;  ///< of an evaluation
  std::uint32_t task_count = 0;
  std::uint32_t task_step = 0;
};

/// Everything that was said and has not been taken yet, in order.
class Outbox {
 public:
  /// Borrows both; the model must have been encoded before anything of it is published. `chunk_bytes`:
  /// CoordinatorConfig::model_chunk_bytes.
  Outbox(const Experiment& experiment, const rounds::MetaModel& model, std::uint32_t chunk_bytes);

  /// Everything that was said since the last call, in order.
  std::vector<Action> take() { return std::exchange(actions_, {}); }
  void commit(Action action) { actions_.push_back(std::move(action)); }
  void record(TranscriptEvent event) { actions_.emplace_back(CommitEvent{std::move(event)}); }

  // ---- the model

  /// The model after `rounds_done` rounds is the one that tasks name from now on. Nothing of it is published yet.
  void set_rounds_done(std::uint32_t rounds_done);
  /// What the broker keeps is not known any more: the connection is new.
  void forget_published() { model_published_ = false; }
  /// Retained chunks, unless they are published.
  void publish_model();
  /// Removes the chunks of this model, or of the one before it, from the broker.
  void clear_model() { clear_slot(model_slot()); }
  void clear_last_model() { clear_slot(wire::model_slot(rounds_done_ + 1)); }
  /// Removes the chunks of both slots.
  void withdraw();
  /// Is this chunk one that a broker keeps now?
  bool publishes(std::uint32_t slot, std::uint32_t chunk) const;
  /// The step from the last model to this one, for devices that have the last.
  rounds::PatchBook& patches() { return patches_; }

  // ---- one device

  /// A task; with it the patches that lead to the model, for a device that has one of the last models.
  void send_task(KnownDevice& device, const TaskRequest& request);
  void send_challenge(const KnownDevice& device);
  /// @param[in] chunk  of kResend: where the device begins again.
  void reply(const KnownDevice& device, const wire::RoundId& id, wire::Verdict verdict, wire::Refusal reason,
             std::uint32_t chunk = 0);
  /// What a birth says of the device's model.
  void note_model(KnownDevice& device, std::uint64_t digest_prefix) const;

  /// What the device's update says of chunks that it fetched and did not need: counted once for each task, as its word
  /// and no more than 16 times the model.
  void note_repeated(KnownDevice& device, const wire::Update& update);

  /// Payload bytes so far, up and down; what came up is counted by who takes it in.
  rounds::Traffic& traffic() { return traffic_; }
  const rounds::Traffic& traffic() const { return traffic_; }

 private:
  std::uint32_t model_slot() const { return wire::model_slot(rounds_done_); }
  void clear_slot(std::uint32_t slot);
  std::size_t model_payload_bytes() const;

  const Experiment* experiment_;
  const rounds::MetaModel* model_;
  std::uint32_t chunk_bytes_;  // of the model
  rounds::PatchBook patches_;
  std::vector<Action> actions_;
  rounds::Traffic traffic_;
  std::uint32_t rounds_done_ = 0;
  bool model_published_ = false;
};

}  // namespace skink::coordinator
