#pragma once
/// @file
/// One device on neuron lanes, used for one device after another: it holds phi and the parameters w that adapt to a
/// task, both as images, and between devices w is phi. With inputs that are mostly zero only what changed is looked at.

#include <cstdint>
#include <vector>

#include "lane_buffer.hpp"
#include "neuron_layout.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

/// How a device's round ended.
enum class Outcome : std::uint8_t { kTaken, kDiverged, kTooLarge };

/// One step of SGD; `pull` as in LanePass.
struct NeuronStep {
  float inner_learning_rate = 0;
  std::uint32_t batch_size = 1;
  float pull = 0;
};

class NeuronDevice {
 public:
  NeuronDevice(const nn::Network& network, const LaneFunctions& functions);

  const NeuronLayout& layout() const { return layout_; }
  /// Where the current image holds phi.
  void load(const float* phi);
  void store(float* phi) const;

  /// One pass over a support set, or over some whole mini-batches of it. inputs: [count][layout().input_stride()],
  /// aligned, padding zero; targets: [count][T].
  void adapt(const float* inputs, const float* targets, std::uint32_t count, const NeuronStep& step,
             StageClock* clock = nullptr);
  /// What has become of the passes since the last reset() or step().
  Outcome outcome();
  bool has_diverged() const { return diverged_; }
  /// The parameters as they are now. [P]
  void read(float* parameters) const { layout_.store(w_.data(), parameters); }

  /// Adds w - phi to the sums of a round, if it counts. sums: [layout().primary_size()]
  Outcome take(std::int64_t* sums);
  /// The coordinator's step, when this is the only update of the round: phi becomes the result.
  void step(double meta_learning_rate, std::uint32_t weight);
  /// Gives up what the passes changed.
  void reset();

  /// Losses [count] and outputs [count][output_size] of query samples with the parameters as they are now.
  void query(const float* inputs, const float* targets, std::uint32_t count, float* losses, float* outputs);

 private:
  ImageParts parts(std::size_t size);
  void find_touched();
  void forget();

  NeuronLayout layout_;
  const LaneFunctions& functions_;
  LaneBuffer phi_;
  LaneBuffer w_;
  LaneBuffer gradients_;  // of mini-batches
  LaneBuffer workspace_;
  LaneBuffer scratch_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint32_t> touched_;  // a bit for each input
  std::vector<std::uint32_t> rows_;
  bool rows_are_known_ = false;
  bool diverged_ = false;
};

}  // namespace skink::simulations
