#pragma once
/// @file
/// Computes the devices of a run: those of a round's cohort, and the tasks of an evaluation, on all threads of this
/// process and with the other processes of the run. Which devices, and what becomes of the sums, is LearningRun's.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "group.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/program/workers.hpp"
#include "skink/rounds/meta_model.hpp"
#include "skink/rounds/strategy.hpp"
#include "skink/simulations/run.hpp"

namespace skink::simulations {

/// What the devices of a round did, in the order of the cohort. Valid until the next round.
struct CohortResult {
  std::vector<std::uint32_t> devices;
  std::vector<Outcome> outcomes;
  std::vector<std::uint32_t> encoded_bytes;  ///< of each change
  std::vector<std::int64_t> sums;            ///< [P], weighted sum of the changes in units of 2^-36
  std::uint32_t updates = 0;                 ///< changes in it
  std::uint32_t total_weight = 0;            ///< of these
  std::uint32_t longer = 0;                  ///< of these, those whose norm is above the usual one
  std::uint32_t outliers = 0;                ///< of these, those that weigh nothing
  bool is_complete = true;                   ///< false: the round was given up, and nothing of it counts
};

class CohortEngine {
 public:
  /// Borrows the options, the tasks and the model.
  /// @throws std::runtime_error when the experiment names a codec that does not exist.
  CohortEngine(const RunOptions& options, const TaskGenerator& tasks, rounds::MetaModel& model);

  /// "device" or "neuron", and the instruction set.
  const char* lanes() const { return lanes_; }
  const char* isa() const { return isa_; }
  /// Processes that compute the run, this one included; they agree in all that they decide.
  Peers& peers() const { return peers_; }
  /// Error feedback: what devices keep; null without it.
  ResidualBank* residuals() { return residuals_.get(); }

  /// Whether rounds are strictly serial (cohort 1, plain changes): then run_serial() is called for every round in turn,
  /// and phi stays in the lanes until fetch_phi().
  bool is_serial() const { return serial_ != nullptr; }
  /// @param[in] device_at  which device round r adapts
  const CohortResult& run_serial(std::uint32_t round, double meta_learning_rate,
                                 const std::function<std::uint32_t(std::uint32_t round)>& device_at);
  /// Before anybody reads the model's parameters.
  void fetch_phi();

  /// Otherwise: adapts the devices of a cohort to the model's parameters.
  const CohortResult& run_cohort(std::uint32_t round,
                                 const std::function<std::uint32_t(std::uint32_t place)>& device_at);

  /// All tasks of an evaluation of the model after `rounds_done` rounds; nothing when it was given up.
  std::optional<rounds::TaskResults> evaluate(std::uint32_t tasks, std::uint32_t rounds_done);

 private:
  const rounds::Strategy& strategy() const { return model_.strategy(); }
  void make_groups(const RunOptions& options, GroupSettings settings);
  bool prefers_neurons(const LaneFunctions& functions) const;
  bool prefers_scalar(const TaskGenerator& tasks) const;
  MetaParameters meta_parameters(std::uint32_t rounds_done) const {
    return {model_.data(), rounds_done, model_.clip()};
  }
  bool is_mine(std::uint32_t place) const;
  void share_out(std::uint32_t count, const std::function<void(std::uint32_t, std::uint32_t, std::uint32_t)>& work);
  void adapt_parts(std::uint32_t round);
  void weigh_sums();
  void exchange_sums();
  bool exchange_results(bool is_given_up, rounds::TaskResults& results);
  void exchange_residuals();

  const Experiment& experiment_;
  rounds::MetaModel& model_;
  std::unique_ptr<ResidualBank> residuals_;
  Peers alone_;
  Peers& peers_;
  GiveUp give_up_;
  const GiveUp never_{{}};
  Workers workers_;
  const char* lanes_ = "";
  const char* isa_ = "";
  std::vector<std::unique_ptr<Group>> groups_;  // one for each worker
  std::vector<RoundSums> sums_;                 // likewise
  std::uint32_t plain_bytes_ = 0;               // of a change that is not encoded
  CohortResult result_;
  std::vector<std::int64_t> exchanged_;  // between processes

  NeuronGroup* serial_ = nullptr;  // holds phi, in a run of strictly serial rounds
  bool phi_is_old_ = false;        // ... and the model's that of an earlier round
  std::uint32_t ahead_devices_[kMaxLanes] = {};
  std::uint32_t ahead_rounds_[kMaxLanes] = {};
  std::uint32_t ahead_begin_ = 0;
  std::uint32_t ahead_end_ = 0;
};

}  // namespace skink::simulations
