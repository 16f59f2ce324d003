#pragma once
/// @file
/// What a run leaves behind: roster, transcript, metrics, checkpoints. Plain values, written by the core and kept by a
/// store. Together with the experiment they determine the model's hash.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/host/experiment.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {

/// What the real world added to a run. Stored before it takes effect, and enough to replay the run.
enum class EventKind : std::uint8_t {
  kReplaced = 1,  ///< slot: the device at `device_index` takes over with `attempt`; `reason` as kDropped
  kDropped = 2,   ///< slot: contributes nothing, nobody was left to replace the device
  kDiverged = 3,  ///< slot: the device reported divergence (a function of the experiment; kept for the reader)
  kRefused = 4,   ///< slot: the update was refused and contributes nothing; `reason` says why
  kMissing = 5,   ///< evaluation: a held-out device did not report in time
  kLateJoin = 6,  ///< a device appeared after the roster was frozen and waits for the next run
  kForgot = 7,    ///< slot: the device had lost its residual (error feedback) and began with zeros
  kSamples = 8,   ///< slot: the device adapted to `support_samples`, fewer than the task has, and weighs less
};
const char* event_text(EventKind kind);

struct TranscriptEvent {
  std::uint32_t round = 0;
  EventKind kind = EventKind::kReplaced;
  std::uint32_t slot = 0;
  std::uint32_t device_index = 0;
  std::uint32_t attempt = 0;
  wire::Refusal reason = wire::Refusal::kNone;
  std::string detail;                 ///< for people
  std::uint32_t support_samples = 0;  ///< kSamples
};

/// Totals since the run began. Bytes are MQTT payloads of this run's updates (up), and tasks, replies and models
/// (down); a device that was sent patches and fetches the whole model all the same is not known.
struct Traffic {
  std::uint64_t uplink_bytes = 0;
  std::uint64_t downlink_bytes = 0;
  std::uint64_t device_rounds = 0;  ///< adaptations that were aggregated
  bool counts_bytes = true;         ///< false: nothing was sent (the simulator's learning engine)
};

struct RoundRecord {
  std::uint32_t round = 0;  ///< 0-based
  std::uint32_t updates = 0;
  std::uint32_t diverged = 0;
  std::uint32_t refused = 0;
  std::uint32_t replaced = 0;
  std::uint32_t total_weight = 0;
  double meta_learning_rate = 0;
  std::uint64_t duration_ms = 0;
  std::string model_sha256;  ///< after the round
  Traffic traffic;
};

/// One federated evaluation of the model after `rounds` rounds.
struct EvaluationRecord {
  std::uint32_t rounds = 0;
  std::uint32_t devices = 0;
  wire::Evaluation total{};
  Traffic traffic;

  double loss_before() const;
  double loss_after() const;
  double accuracy_before() const;
  double accuracy_after() const;
};

/// The compressed downlink: one round's step as it is sent, and the model that it belongs to.
struct Patch {
  std::uint32_t round = 0;
  wire::Digest base;                ///< of the model before the round
  std::vector<std::uint8_t> bytes;  ///< empty: the round changed nothing
};

/// A run as a store returns it: everything needed to go on after a crash, or to replay it.
struct RunSnapshot {
  std::uint64_t run = 0;
  std::string experiment_text;      ///< the file as it was read
  std::vector<Override> overrides;  ///< and what the command line replaced in it
  std::vector<std::string> roster;  ///< sorted; empty: not yet frozen
  std::uint32_t rounds_done = 0;
  std::vector<std::uint8_t> model;  ///< .skm after rounds_done rounds; empty: the initialization
  std::vector<TranscriptEvent> transcript;
  std::vector<EvaluationRecord> evaluations;
  Traffic traffic;
  std::vector<Patch> patches;  ///< those that devices may still need, the last one of round rounds_done - 1
  std::vector<float> downlink_residual;
  bool finished = false;
};

}  // namespace skink::coordinator
