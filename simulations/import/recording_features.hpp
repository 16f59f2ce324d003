#pragma once
/// @file
/// The way of a recording through framer, extractor, standardiser and stack, as on a device.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "skink/common/features/standardiser.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/feature_set.hpp"

namespace skink::simulations {

/// What is made of each record, all of one length.
struct RecordingPlan {
  features::FrameSpec frames;
  features::FeatureSpec features;
  std::uint32_t stack = 1;      ///< windows of a sample
  std::uint32_t stack_hop = 1;  ///< windows from sample to sample
  std::size_t samples = 0;      ///< of a record, at least 1
  bool is_standardised = false;
  double rate_hz = 0;  ///< 0: not known

  std::size_t feature_count() const { return features::Extractor::feature_count(frames, features); }
  std::size_t window_count() const { return features::Framer::memory_count(frames); }
  /// Floats besides those of a window.
  std::size_t other_count() const;
  /// From sample to sample; 0 where a record has one.
  double seconds_of_step() const;
  /// How many of the following records share readings with a record, where they did with `source` of its recordings.
  std::uint32_t overlap(std::uint32_t source) const;
};

/// What options and records come to. @returns kInvalidArgument with the option that is wrong.
Result<RecordingPlan> plan_recordings(const Dataset& data, const FeatureSetOptions& options);

/// The pipeline of one client, whose mean and deviation go on from recording to recording.
class RecordingFeatures {
 public:
  /// `plan` is copied, and what plan_recordings() made.
  explicit RecordingFeatures(const RecordingPlan& plan);
  RecordingFeatures(const RecordingFeatures&) = delete;
  RecordingFeatures& operator=(const RecordingFeatures&) = delete;

  /// Of one recording, [n, axes]. @returns its samples; kNotFinite for a reading that is refused, with its number.
  Result<std::vector<std::vector<float>>> add(Span<const float> readings);

 private:
  RecordingPlan plan_;
  std::vector<float> window_memory_;
  std::vector<float> scratch_memory_;
  std::vector<float> stack_memory_;
  std::vector<float> state_memory_;
  features::Framer framer_;
  features::Extractor extractor_;
  features::Standardiser standardiser_;
  features::FrameStack stack_;
};

}  // namespace skink::simulations
