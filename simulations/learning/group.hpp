#pragma once
/// @file
/// What one thread of a run computes with: draws the tasks of a few devices, adapts them, and adds up what they
/// changed. Two kinds: a device in each lane (DeviceGroup), or one device after another with its neurons in the lanes
/// (NeuronGroup). Objects are workspaces that are used again and again.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "give_up.hpp"
#include "lane_buffer.hpp"
#include "neuron_device.hpp"
#include "residual_bank.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/scope.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/rounds/clipping.hpp"
#include "skink/rounds/strategy.hpp"
#include "skink/rounds/task_result.hpp"
#include "skink/simulations/learning/lanes.hpp"
#include "task_lanes.hpp"
#include "task_scorer.hpp"

namespace skink::simulations {

/// What all groups of a run have in common. Borrowed pointers.
struct GroupSettings {
  const Experiment* experiment = nullptr;
  const nn::Network* network = nullptr;  ///< in what does not depend on the scope
  const ScopedNetworks* scopes = nullptr;
  const TaskGenerator* tasks = nullptr;
  const LaneFunctions* functions = nullptr;
  codec::Codec codec;
  const rounds::Strategy* strategy = nullptr;
  ResidualBank* residuals = nullptr;  ///< null: no error feedback
  StageClock* clock = nullptr;        ///< null: nobody wants to know
  const GiveUp* give_up = nullptr;    ///< not null
};

/// The sums of a round, or a part of them: adding parts up is exact in any order.
class RoundSums {
 public:
  RoundSums(std::size_t parameters, std::uint32_t sum_lanes) : lanes_(sum_lanes), numbers_(parameters * sum_lanes, 0) {}

  void reset();
  void add(const RoundSums& other);

  /// [P][sum_lanes]: the sum of a row is the sum of one parameter's changes in fixed point.
  std::int64_t* rows() { return numbers_.data(); }
  void add(std::size_t parameter, std::int64_t change) { numbers_[parameter * lanes_] += change; }
  std::int64_t total(std::size_t parameter) const;

  std::uint32_t updates = 0;
  std::uint32_t weight = 0;    ///< of them in all, where they are weighted one by one
  std::uint32_t longer = 0;    ///< of them, those whose norm is above the usual one
  std::uint32_t outliers = 0;  ///< of these, those that weigh nothing

 private:
  std::uint32_t lanes_;
  std::vector<std::int64_t> numbers_;
};

/// Some devices of a round's cohort, at most part_size().
struct CohortPart {
  const std::uint32_t* devices = nullptr;
  std::uint32_t count = 0;
  std::uint32_t round = 0;
  std::uint32_t* encoded_bytes = nullptr;  ///< of the changes that are encoded, one for each device; 0: none is
};

/// The devices of rounds that follow one another, one for each.
struct CohortOfRounds {
  const std::uint32_t* devices = nullptr;
  const std::uint32_t* rounds = nullptr;
  std::uint32_t count = 0;  ///< at most part_size()
};

/// phi between two rounds.
struct MetaParameters {
  const float* values = nullptr;  ///< [P]
  std::uint32_t rounds_done = 0;  ///< tells versions apart
  rounds::Clip clip;              ///< of the changes to them
};

class Group {
 public:
  explicit Group(const GroupSettings& settings);
  virtual ~Group() = default;

  /// Devices, or evaluation tasks, that are best computed in one call.
  std::uint32_t part_size() const { return settings_.functions->lanes; }
  /// Changes are not encoded.
  bool sends_plainly() const {
    return settings_.codec.quantizer == codec::Quantizer::kFloat32 && !settings_.codec.selects();
  }
  /// Nor clipped nor weighted one by one: they may be added up where they lie.
  bool takes_plainly() const { return sends_plainly() && !clips() && weighs_evenly(); }
  bool clips() const { return settings_.experiment->meta.clip_norm > 0 || settings_.experiment->meta.clip_factor > 0; }
  /// All changes weigh as much: sums are not weighted, and even_weight() is that of each.
  bool weighs_evenly() const { return weighs_evenly_; }
  std::uint32_t even_weight() const;

  /// One round of some training devices. When it is given up, nothing of what it gives means anything.
  ///
  /// @param[in,out] sums      their changes are added, now or in finish()
  /// @param[out]    outcomes  one for each device
  virtual void adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi, RoundSums& sums,
                     Outcome* outcomes) = 0;
  /// After the last part of a round.
  virtual void finish(RoundSums& /*sums*/) {}

  /// Evaluation tasks first, first + 1, ...; at most part_size() of them. Likewise.
  /// @param[out] results  [count]
  virtual void evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop,
                        const MetaParameters& phi, rounds::TaskResult* results) = 0;

  /// The answers of evaluations since forget_answers().
  const rounds::Confusion& answers_before() const { return answers_before_; }
  const rounds::Confusion& answers_after() const { return answers_after_; }
  void forget_answers();

 protected:
  /// Otherwise: what the k-th device, with the finite parameters w, sends, as the coordinator reads, clips and weighs
  /// it.
  Outcome take_change(const CohortPart& part, std::uint32_t k, const MetaParameters& phi, const float* w,
                      RoundSums& sums);
  /// Is this query sample an anomaly? Of data sets with a normal class.
  bool is_anomaly(std::uint32_t k, std::uint32_t sample) const;
  /// What is known of a task before it is scored.
  rounds::TaskResult begin_result(std::uint32_t number, std::uint32_t k) const;

  GroupSettings settings_;
  std::size_t target_size_;
  TaskLanes samples_;
  rounds::Confusion answers_before_;
  rounds::Confusion answers_after_;

 private:
  rounds::TaskScore score_persistence(const Task& task) const;
  Outcome encode_change(const CohortPart& part, std::uint32_t k, const float* phi, const float* w);
  Outcome add_change(const rounds::Clip& clip, std::uint32_t weight, RoundSums& sums);
  void leave_residual(std::uint32_t device);

  bool weighs_evenly_;
  codec::Encoder encoder_;
  std::vector<float> change_;         // [P]
  std::vector<std::uint32_t> state_;  // of an encoder
  std::vector<std::uint8_t> bytes_;   // an encoded change
};

class DeviceGroup final : public Group {
 public:
  explicit DeviceGroup(const GroupSettings& settings);

  void adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi, RoundSums& sums,
             Outcome* outcomes) override;
  void evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop, const MetaParameters& phi,
                rounds::TaskResult* results) override;

 private:
  LanePass pass_of(const nn::Network& network, const rounds::InnerLoop& loop, const float* phi);
  void keep_room();
  bool run_pass(LanePass& pass, std::uint32_t count, const std::uint32_t* order, std::uint32_t* counts);
  std::uint32_t run_passes(const nn::Network& network, std::uint32_t count, const rounds::InnerLoop& loop,
                           const float* phi);
  std::uint32_t step_from_phi(std::uint32_t devices, const rounds::InnerLoop& loop, const float* phi);
  void score(std::uint32_t count);
  void add_answers(std::uint32_t count, SampleRange range, const std::uint32_t* counts);
  void take_lanes(std::uint32_t count, std::uint32_t diverged, const float* phi, RoundSums& sums, Outcome* outcomes);
  bool read_lane(std::uint32_t k);

  LaneBuffer parameters_;
  LaneBuffer workspace_;
  LaneBuffer scratch_;
  LaneBuffer gradients_;
  LaneBuffer inputs_;
  LaneBuffer targets_;
  LaneBuffer kept_;            // [P][lanes], where devices have differently many samples
  LaneBuffer kept_gradients_;  // likewise
  LaneBuffer losses_;
  LaneBuffer outputs_;
  std::vector<TaskScorer> scorers_;  // of each lane
  std::vector<float> lane_;          // [P], one lane's parameters
};

/// No query gradients; meta-training and evaluation have one scope.
class NeuronGroup final : public Group {
 public:
  explicit NeuronGroup(const GroupSettings& settings);

  void adapt(const CohortPart& part, const rounds::InnerLoop& loop, const MetaParameters& phi, RoundSums& sums,
             Outcome* outcomes) override;
  void finish(RoundSums& sums) override;
  void evaluate(std::uint32_t first, std::uint32_t count, const rounds::InnerLoop& loop, const MetaParameters& phi,
                rounds::TaskResult* results) override;

  /// Strictly serial rounds, the step of the coordinator after every device. `phi` is that before the first of them;
  /// afterwards phi is here, and read_phi() tells it.
  void begin_serial(const CohortOfRounds& ahead, const MetaParameters& phi);
  /// The k-th of these rounds; all have to be called, in turn. One that is given up changes nothing.
  Outcome run_serial(std::uint32_t k, const rounds::InnerLoop& loop, double meta_learning_rate);
  void read_phi(float* phi) const { device_.store(phi); }

 private:
  void load(const MetaParameters& phi);
  void run_passes(std::uint32_t k, const rounds::InnerLoop& loop);
  void score();

  static constexpr std::uint32_t kNotLoaded = 0xffffffff;

  NeuronDevice device_;
  std::uint32_t loaded_ = kNotLoaded;  // whose phi the device holds
  LaneBuffer inputs_;
  std::vector<float> targets_;
  std::vector<float> losses_;
  std::vector<float> outputs_;
  TaskScorer scorer_;
  std::vector<float> w_;            // [P]
  std::vector<std::int64_t> sums_;  // of the round, as the image lies
  std::uint32_t updates_ = 0;       // in them
};

}  // namespace skink::simulations
