#include "skink/common/features/extractor.hpp"

#include <string.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::features {

size_t Extractor::feature_count(const FrameSpec& frames, const FeatureSpec& features) noexcept {
  return size_t{frames.axes} * (statistic_count(features.statistics) + features.mel.bands);
}

size_t Extractor::memory_count(const FrameSpec& frames, const FeatureSpec& features) noexcept {
  if (features.mel.bands == 0) return 0;
  return size_t{features.mel.transform} + taper_count(features.taper, frames.length) +
         MelBands::memory_count(features.mel.bands);
}

Status Extractor::begin(const FrameSpec& frames, const FeatureSpec& features, Span<float> memory) noexcept {
  axes_ = 0;
  if (frames.axes < 1 || frames.axes > kMaxAxes || frames.length < 2 || frames.length > kMaxWindow) {
    return Status::kInvalidArgument;
  }
  if ((features.statistics & ~kAllStatistics) != 0 || features.mel.bands > kMaxBands) return Status::kInvalidArgument;
  if (features.statistics == 0 && features.mel.bands == 0) return Status::kInvalidArgument;
  if (features.mel.bands != 0) {
    const size_t transform = features.mel.transform;
    if (!is_transform_length(transform) || frames.length > transform) return Status::kInvalidArgument;
    if (memory.size() < memory_count(frames, features)) return Status::kBufferTooSmall;
    const size_t taper = taper_count(features.taper, frames.length);
    scratch_ = memory.first(transform);
    taper_ = memory.subspan(transform, taper);
    Status status = make_taper(features.taper, frames.length, taper_);
    if (status == Status::kOk) status = bands_.begin(features.mel, memory.subspan(transform + taper));
    if (status != Status::kOk) return status;
  }
  spec_ = features;
  length_ = frames.length;
  axes_ = frames.axes;
  return Status::kOk;
}

Status Extractor::compute(const Framer& framer, Span<float> out) noexcept {
  if (axes_ == 0 || framer.spec().axes != axes_ || framer.spec().length != length_) return Status::kShapeMismatch;
  if (out.size() != feature_count(framer.spec(), spec_)) return Status::kShapeMismatch;
  const size_t counted = statistic_count(spec_.statistics);
  float* to = out.data();
  for (uint32_t axis = 0; axis < axes_; ++axis, to += counted + spec_.mel.bands) {
    const Span<const float> x = framer.axis(axis);
    Status status = Status::kOk;
    if (counted != 0) status = statistics(x, spec_.statistics, {to, counted});
    if (status == Status::kOk && spec_.mel.bands != 0) {
      status = power_spectrum(x, taper_, scratch_);
      if (status == Status::kOk) {
        status = bands_.apply(scratch_.first(scratch_.size() / 2 + 1), {to + counted, spec_.mel.bands});
      }
    }
    if (status != Status::kOk) return status;  // not when begin() was kOk
  }
  for (float& value : out) value = arithmetic::canonical(value);
  return Status::kOk;
}

Status FrameStack::begin(uint32_t frames, uint32_t hop, size_t features, Span<float> memory) noexcept {
  const bool is_sound = frames >= 1 && frames <= kMaxFrames && hop >= 1 && hop <= frames && features >= 1 &&
                        features <= kMaxAxes * size_t{kMaxBands + 7};
  if (!is_sound) return Status::kInvalidArgument;
  if (memory.size() < memory_count(frames, features)) return Status::kBufferTooSmall;
  *this = FrameStack();
  memory_ = memory.first(memory_count(frames, features));
  features_ = features;
  frames_ = frames;
  hop_ = hop;
  return Status::kOk;
}

Span<float> FrameStack::next(bool is_first) noexcept {
  if (memory_.empty()) return {};
  if (is_first) count_ = 0;
  if (count_ == frames_) {
    count_ -= hop_;
    memmove(memory_.data(), memory_.data() + hop_ * features_, count_ * features_ * sizeof(float));
  }
  return memory_.subspan(count_ * features_, features_);
}

bool FrameStack::push() noexcept {
  if (memory_.empty() || count_ == frames_) return false;
  return ++count_ == frames_;
}

}  // namespace skink::features
