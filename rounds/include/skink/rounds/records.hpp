#pragma once
/// @file
/// What rounds and evaluations leave in a run's results: plain values, the same whether the coordinator or the
/// simulator's learning engine computed them.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::rounds {

/// Totals since the run began. Bytes are MQTT payloads of this run's updates (up), and tasks, replies and models
/// (down); a device that was sent patches and fetches the whole model all the same is not known.
struct Traffic {
  std::uint64_t uplink_bytes = 0;
  std::uint64_t downlink_bytes = 0;
  std::uint64_t device_rounds = 0;  ///< adaptations that were aggregated
  bool counts_bytes = true;         ///< false: nothing was sent (the simulator's learning engine)
};

/// What one round left: counts of the cohort's devices, and the model after it.
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

/// Device-rounds by what became of them. What was replaced is counted once, as what came of the device in its place.
struct UpdateCounts {
  std::uint64_t taken = 0;     ///< aggregated
  std::uint64_t diverged = 0;  ///< a loss or a parameter was not finite
  std::uint64_t refused = 0;   ///< finite, but too large to be aggregated
};

/// A figure that there is none of.
inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

/// Mean over units, and half the width of its 95 % interval (Student's t).
struct Spread {
  double mean = kNotMeasured;
  double half_width = kNotMeasured;
};

/// Before and after adaptation.
struct BeforeAfter {
  Spread before;
  Spread after;
};

/// What figures of an evaluation are means over.
enum class Unit : std::uint8_t {
  kTask,
  kClient,  ///< of the data set: all of its tasks together
  kPart,    ///< of records that a partition deals out, with one seed: likewise
  kDevice   ///< of a fleet: its tasks together, of which it reports the sums
};

/// What the tasks of an evaluation came to, each unit weighing as much as any other. Tasks that diverged are not in
/// what is after.
struct EvaluationFigures {
  Unit unit = Unit::kTask;
  std::uint32_t units = 0;                        ///< 0: there are no figures
  std::optional<std::uint64_t> diverged_samples;  ///< query samples of tasks that diverged; nothing: not known
  BeforeAfter loss;
  BeforeAfter accuracy;
  BeforeAfter macro_f1;  ///< over all answers; no interval
  BeforeAfter auc;
  BeforeAfter partial_auc;
  BeforeAfter mean_absolute_error;     ///< regression, in the unit of the targets
  BeforeAfter root_mean_square_error;  ///< likewise
  Spread persistence;                  ///< root mean square error of the forecast that nothing changes
  BeforeAfter skill;                   ///< 1 - mean square error / that of persistence; 0: no better, below: worse
};

/// What one device of an evaluation reported.
struct DeviceReport {
  std::uint32_t device_index = 0;  ///< its place in the roster
  wire::Evaluation sums{};
};

/// One federated evaluation of the model after `rounds` rounds.
struct EvaluationRecord {
  std::uint32_t rounds = 0;
  std::uint32_t devices = 0;
  wire::Evaluation total{};
  EvaluationFigures figures;
  std::vector<DeviceReport> reports;  ///< of a fleet, by device_index; where single tasks are known, and of evaluations
                                      ///< before the last: empty
  Traffic traffic;

  /// Means over query samples, before and after adaptation: the loss, and the fraction of correct predictions. Nothing
  /// where nobody answered. The accuracy of a regression has no meaning; a task that diverged told nothing right.
  std::optional<double> loss_before() const;
  std::optional<double> accuracy_before() const;
  std::optional<double> accuracy_after() const;
  /// The same over the tasks that did not diverge. Nothing if all did, if so many did that the sum of losses is
  /// saturated, or if it is not known how many samples those had that did.
  std::optional<double> loss_after() const;
};

/// The compressed downlink: one round's step as it is sent, and the model that it belongs to.
struct Patch {
  std::uint32_t round = 0;
  crypto::Digest base;              ///< of the model before the round
  std::vector<std::uint8_t> bytes;  ///< empty: the round changed nothing
};

}  // namespace skink::rounds
