#pragma once
/// @file
/// Samples drawn from Philox: a source for clients under test that needs no data, knows what it was asked, and can
/// fail on command.

#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/nn/network.hpp"
#include "skink/edge/platform/samples.hpp"

namespace skink::test {

class FakeSamples {
 public:
  explicit FakeSamples(const nn::Network& network)
      : inputs_(network.input_size()),
        outputs_(static_cast<std::uint32_t>(network.output_size())),
        labels_(nn::has_labels(network.loss())) {}

  edge::SampleSource source() {
    is_replayable_ = replayable;
    return {this, &begin, &input, &target, replayable};
  }

  // What to serve.
  edge::SampleCounts counts{10, 6};
  bool replayable = true;
  Status begin_status = Status::kOk;
  Status input_status = Status::kOk;
  float target_scale = 1.0F;
  std::function<float(edge::SampleSet, std::uint32_t, float)> change_target;  ///< of a sample; empty: none is changed

  // What was asked.
  std::vector<edge::TaskRequest> requests;
  std::vector<std::uint32_t> support_reads;  ///< since the last begin

  float stored(edge::SampleSet set, std::uint32_t index, std::uint32_t element) const {
    return arithmetic::uniform_between(word(set, index, element), -1.0F, 1.0F);
  }
  float wanted(edge::SampleSet set, std::uint32_t index, std::uint32_t output) const {
    if (labels_) return static_cast<float>(index % outputs_);
    return arithmetic::uniform_between(word(set, index, 1000 + output), -1.0F, 1.0F) * target_scale;
  }

 private:
  static FakeSamples& self(void* context) { return *static_cast<FakeSamples*>(context); }

  static Status begin(void* context, const edge::TaskRequest& request, edge::SampleCounts& counts) {
    self(context).requests.push_back(request);
    self(context).support_reads.clear();
    self(context).reads_.clear();
    counts = self(context).counts;
    return self(context).begin_status;
  }

  static Status input(void* context, edge::SampleSet set, std::uint32_t index, Span<float> stored) {
    FakeSamples& samples = self(context);
    if (stored.size() != samples.inputs_) return Status::kShapeMismatch;
    const std::uint32_t count = set == edge::SampleSet::kSupport ? samples.counts.support : samples.counts.query;
    REQUIRE(index < count);
    samples.reads_.insert({set, index});
    if (set == edge::SampleSet::kSupport) samples.support_reads.push_back(index);
    for (std::size_t i = 0; i < stored.size(); ++i) {
      stored[i] = samples.stored(set, index, static_cast<std::uint32_t>(i));
    }
    return samples.input_status;
  }

  static float target(void* context, edge::SampleSet set, std::uint32_t index, std::uint32_t output) {
    const FakeSamples& samples = self(context);
    if (!samples.is_replayable_)
      REQUIRE(samples.reads_.count({set, index}) > 0);  // the contract of SampleSource::target
    const float wanted = samples.wanted(set, index, output);
    return samples.change_target ? samples.change_target(set, index, wanted) : wanted;
  }

  std::uint32_t word(edge::SampleSet set, std::uint32_t index, std::uint32_t element) const {
    const edge::TaskRequest request = requests.empty() ? edge::TaskRequest{} : requests.back();
    const std::uint32_t set_bit = set == edge::SampleSet::kQuery ? 1U : 0U;
    return arithmetic::philox(request.seed, element, index * 2 + set_bit, request.round,
                              request.number * 2 + (request.is_evaluation ? 1U : 0U))
        .words[0];
  }

  std::size_t inputs_;
  std::uint32_t outputs_;
  bool labels_;
  bool is_replayable_ = true;                                  // as the last source() says
  std::set<std::pair<edge::SampleSet, std::uint32_t>> reads_;  // since the last begin
};

}  // namespace skink::test
