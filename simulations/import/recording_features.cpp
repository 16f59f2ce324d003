#include "recording_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

namespace skink::simulations {
namespace {

using features::Extractor;
using features::Framer;
using features::FrameStack;
using features::Standardiser;

Error refuse(std::string reason) { return make_error(Status::kInvalidArgument, std::move(reason)); }

Span<float> span(std::vector<float>& numbers) { return {numbers.data(), numbers.size()}; }

std::uint32_t shortest_transform(std::uint32_t window) {
  std::uint32_t n = features::kMinTransform;
  while (n < window && n < features::kMaxTransform) n *= 2;
  return n;
}

/// Axes, length, hop, scales.
Result<void> plan_windows(const Dataset& data, const FeatureSetOptions& options, RecordingPlan& plan) {
  const std::vector<std::size_t>& shape = data.sample_shape();
  if (shape.size() > 2 || (shape.size() == 2 && shape[1] > features::kMaxAxes)) {
    return refuse(fmt::format("{}/x.npy: records of [{}]: wanted readings [n], or [n, axes] of at most {} axes",
                              options.folder, fmt::join(shape, ", "), features::kMaxAxes));
  }
  const std::size_t readings = shape[0];
  plan.frames.axes = shape.size() == 2 ? static_cast<std::uint32_t>(shape[1]) : 1;
  const std::size_t window = options.window == 0 ? readings : options.window;
  if (window < 2 || window > std::min<std::size_t>(readings, features::kMaxWindow)) {
    return refuse(fmt::format("--window: {} of records of {} readings; wanted 2..{}", window, readings,
                              std::min<std::size_t>(readings, features::kMaxWindow)));
  }
  plan.frames.length = static_cast<std::uint32_t>(window);
  plan.frames.hop = options.hop == 0 ? plan.frames.length : options.hop;
  if (plan.frames.hop > plan.frames.length) return refuse("--hop: longer than the window");
  for (std::uint32_t axis = 0; axis < plan.frames.axes; ++axis) {
    const auto of_axis = [&](const std::vector<double>& list) { return list.size() == 1 ? list[0] : list[axis]; };
    // Of a record [n] a list has a number for each reading.
    if (shape.size() == 1 && (data.scale().size() > 1 || data.offset().size() > 1)) {
      return refuse(options.folder + "/dataset.json: scale, offset: wanted one number for all readings");
    }
    plan.frames.scale[axis] = static_cast<float>(options.scale ? *options.scale : of_axis(data.scale()));
    plan.frames.offset[axis] = static_cast<float>(options.scale ? 0.0 : of_axis(data.offset()));
  }
  return {};
}

Result<void> plan_samples(const Dataset& data, const FeatureSetOptions& options, RecordingPlan& plan) {
  const std::size_t windows = (data.sample_shape()[0] - plan.frames.length) / plan.frames.hop + 1;
  const std::size_t stack = options.frames == 0 ? windows : options.frames;
  if (stack > std::min<std::size_t>(windows, features::kMaxFrames)) {
    return refuse(fmt::format("--frames: {} of the {} windows of a record; wanted 1..{}", stack, windows,
                              std::min<std::size_t>(windows, features::kMaxFrames)));
  }
  plan.stack = static_cast<std::uint32_t>(stack);
  plan.stack_hop = options.frame_hop == 0 ? plan.stack : options.frame_hop;
  if (plan.stack_hop > plan.stack) return refuse("--frame-hop: more than --frames");
  plan.samples = (windows - stack) / plan.stack_hop + 1;
  if (plan.samples > 1 && data.has_time() && plan.rate_hz == 0) {
    return refuse("--rate: needed, because records have times and several samples each");
  }
  return {};
}

}  // namespace

std::size_t RecordingPlan::other_count() const {
  const std::size_t state = is_standardised ? Standardiser::memory_count(feature_count()) : 0;
  return Extractor::memory_count(frames, features) + FrameStack::memory_count(stack, feature_count()) + state;
}

double RecordingPlan::seconds_of_step() const {
  return samples > 1 && rate_hz > 0 ? static_cast<double>(stack_hop) * frames.hop / rate_hz : 0.0;
}

std::uint32_t RecordingPlan::overlap(std::uint32_t source) const {
  const std::size_t span = std::size_t{stack - 1} * frames.hop + frames.length;
  const std::size_t step = std::size_t{stack_hop} * frames.hop;
  const std::size_t own = samples > 1 ? (span + step - 1) / step - 1 : 0;
  constexpr std::size_t kMost = 65535;
  return static_cast<std::uint32_t>(std::min(kMost, own + source * samples));
}

Result<RecordingPlan> plan_recordings(const Dataset& data, const FeatureSetOptions& options) {
  RecordingPlan plan;
  plan.features = options.features;
  plan.rate_hz = static_cast<double>(options.features.mel.rate_hz);
  plan.is_standardised = options.is_standardised;
  auto planned = plan_windows(data, options, plan);
  if (planned) planned = plan_samples(data, options, plan);
  if (!planned) return planned.error();
  features::MelSpec& mel = plan.features.mel;
  if (plan.features.statistics == 0 && mel.bands == 0) return refuse("--statistics or --mel: one is needed");
  if (mel.bands != 0 && mel.rate_hz == 0.0F) return refuse("--rate: needed for --mel");
  if (mel.transform == 0) mel.transform = shortest_transform(plan.frames.length);
  if (mel.high_hz == 0.0F) mel.high_hz = 0.5F * mel.rate_hz;
  std::vector<float> window(plan.window_count());
  if (Framer().begin(plan.frames, span(window)) != Status::kOk) {
    return refuse(options.folder + "/dataset.json, or --scale: scale and offset have to be finite floats, scale not 0");
  }
  std::vector<float> scratch(Extractor::memory_count(plan.frames, plan.features));
  if (Extractor().begin(plan.frames, plan.features, span(scratch)) != Status::kOk) {
    return refuse(
        fmt::format("--mel: {} bands from {} to {} Hz cannot be of a transform of {} at {} Hz: wanted a power of two "
                    "64..1024 that holds the window of {}, at most 64 bands, each of which has a bin",
                    mel.bands, mel.low_hz, mel.high_hz, mel.transform, mel.rate_hz, plan.frames.length));
  }
  return plan;
}

RecordingFeatures::RecordingFeatures(const RecordingPlan& plan)
    : plan_(plan),
      window_memory_(plan.window_count()),
      scratch_memory_(Extractor::memory_count(plan.frames, plan.features)),
      stack_memory_(FrameStack::memory_count(plan.stack, plan.feature_count())),
      state_memory_(Standardiser::memory_count(plan.feature_count())) {
  const bool has_begun =
      framer_.begin(plan_.frames, span(window_memory_)) == Status::kOk &&
      extractor_.begin(plan_.frames, plan_.features, span(scratch_memory_)) == Status::kOk &&
      standardiser_.begin(plan_.feature_count(), span(state_memory_)) == Status::kOk &&
      stack_.begin(plan_.stack, plan_.stack_hop, plan_.feature_count(), span(stack_memory_)) == Status::kOk;
  assert(has_begun);
  (void)has_begun;
}

Result<std::vector<std::vector<float>>> RecordingFeatures::add(Span<const float> readings) {
  std::vector<std::vector<float>> samples;
  framer_.note_gap();
  for (std::size_t first = 0; first < readings.size(); first += plan_.frames.axes) {
    bool is_complete = false;
    if (framer_.add(readings.subspan(first, plan_.frames.axes), is_complete) != Status::kOk) {
      return make_error(
          Status::kNotFinite,
          fmt::format("reading {}: not a number, or, scaled, not below {} in magnitude; a device refuses it",
                      first / plan_.frames.axes, features::kReadingLimit));
    }
    if (!is_complete) continue;
    const Span<float> place = stack_.next(framer_.is_first());
    Status status = extractor_.compute(framer_, place);
    if (status == Status::kOk && plan_.is_standardised) {
      status = standardiser_.add(place);
      if (status == Status::kOk) status = standardiser_.standardise(place);
    }
    if (status != Status::kOk) return make_error(status, "a window without features");  // a bug: all was planned
    if (stack_.push()) samples.emplace_back(stack_.sample().begin(), stack_.sample().end());
  }
  return samples;
}

}  // namespace skink::simulations
