#pragma once
/// @file
/// One group of devices on device lanes: draws their tasks, adapts all of them at once, and adds up what they changed.
/// A group object is a workspace that one thread uses again and again.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "skink/common/codec/codec.hpp"
#include "skink/common/host/experiment.hpp"
#include "skink/common/host/tasks.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/strategy.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

/// Numbers at an address that is a multiple of kLaneAlignment.
class LaneBuffer {
 public:
  void resize(std::size_t count) {
    numbers_.reset(static_cast<float*>(::operator new[](count * sizeof(float) + kLaneAlignment, kAlign)));
    count_ = count;
  }
  float* data() { return numbers_.get(); }
  std::size_t size() const { return count_; }

 private:
  static constexpr std::align_val_t kAlign{kLaneAlignment};
  struct Free {
    void operator()(float* numbers) const { ::operator delete[](numbers, kAlign); }
  };
  std::unique_ptr<float[], Free> numbers_;
  std::size_t count_ = 0;
};

/// What all groups of a run have in common. Borrowed pointers.
struct GroupSettings {
  const Experiment* experiment = nullptr;
  const nn::Network* network = nullptr;
  const TaskGenerator* tasks = nullptr;
  const LaneFunctions* functions = nullptr;
  codec::Codec codec = codec::Codec::kFloat32;
};

/// How a device's round ended.
enum class Outcome : std::uint8_t { kTaken, kDiverged, kTooLarge };

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

 private:
  std::uint32_t lanes_;
  std::vector<std::int64_t> numbers_;
};

/// Up to lanes() devices of a round's cohort.
struct CohortPart {
  const std::uint32_t* devices = nullptr;
  std::uint32_t count = 0;
  std::uint32_t round = 0;
};

class Group {
 public:
  explicit Group(const GroupSettings& settings);

  std::uint32_t lanes() const { return settings_.functions->lanes; }
  /// Samples that every device adapts to.
  std::uint32_t support_count() const { return settings_.tasks->support_count(TaskUse::kAdapt); }

  /// One round of training devices.
  ///
  /// @param[in]     phi       [P]
  /// @param[in,out] sums      their changes are added
  /// @param[out]    outcomes  one for each device
  void adapt(const CohortPart& part, const coordinator::InnerLoop& loop, const float* phi, RoundSums& sums,
             Outcome* outcomes);

  /// Evaluation tasks first, first + 1, ...; up to lanes() of them.
  void evaluate(std::uint32_t first, std::uint32_t count, std::uint32_t round, const coordinator::InnerLoop& loop,
                const float* phi, wire::Evaluation& total);

 private:
  struct Draw {
    TaskUse use;
    arithmetic::Purpose order;     ///< of the samples
    const std::uint32_t* numbers;  ///< of the tasks: device indices, or numbers of evaluation tasks
    std::uint32_t count;
    std::uint32_t round;
  };

  void draw(const Draw& draw);
  void read(const Draw& draw, bool query);
  void find_order(const Draw& draw, std::uint32_t pass, std::uint32_t samples);
  void arrange(const Draw& draw, std::uint32_t samples, bool in_order);
  void arrange_sines(std::uint32_t samples, bool in_order);
  std::uint32_t run_passes(const Draw& draw, const coordinator::InnerLoop& loop, const float* phi);
  void run_query(const Draw& draw, std::uint32_t skipped, std::uint64_t& loss, std::uint32_t& correct);
  void take_lanes(const Draw& draw, std::uint32_t diverged, const float* phi, RoundSums& sums, Outcome* outcomes);
  Outcome take_encoded(const codec::QuantizerKey& key, const float* phi, RoundSums& sums);

  GroupSettings settings_;
  std::size_t target_size_;
  LaneBuffer parameters_;
  LaneBuffer workspace_;
  LaneBuffer scratch_;
  LaneBuffer gradients_;
  LaneBuffer inputs_;
  LaneBuffer targets_;
  LaneBuffer losses_;
  LaneBuffer sine_inputs_;              // [samples][lanes], as drawn
  LaneBuffer sine_targets_;             // likewise
  std::vector<std::uint32_t> numbers_;  // [lanes]
  std::vector<std::uint32_t> order_;    // [samples][lanes]
  std::vector<Task> drawn_;
  std::vector<float> stored_;        // [lanes][samples][input_size]
  std::vector<float> wanted_;        // [lanes][samples]
  std::vector<float> lane_;          // [P], one lane's parameters
  std::vector<float> change_;        // [P]
  std::vector<std::uint8_t> bytes_;  // an encoded change
};

}  // namespace skink::simulations
