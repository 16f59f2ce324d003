#include "skink/firmware/samples/accelerometer.hpp"

#include <string.h>

namespace skink::firmware {

Status inputs_of(const Window& window, float unit, Span<float> stored) noexcept {
  if (stored.size() != kWindowInputs) return Status::kShapeMismatch;
  for (uint32_t i = 0; i < kWindowInputs; ++i) stored[i] = static_cast<float>(window.readings[i / 3][i % 3]) * unit;
  return Status::kOk;
}

bool WindowCutter::add(const Reading& reading) noexcept {
  if (reading.after_gap) count_ = 0;
  if (count_ == kWindowReadings) {
    count_ -= kWindowStride;
    memmove(window_.readings[0], window_.readings[kWindowStride], count_ * sizeof window_.readings[0]);
    memmove(labels_, labels_ + kWindowStride, count_);
  }
  memcpy(window_.readings[count_], reading.axes, sizeof reading.axes);
  labels_[count_] = reading.label;
  ++count_;
  if (count_ < kWindowReadings) return false;
  window_.label = labels_[0];
  for (const uint8_t label : labels_) {
    if (label != window_.label) window_.label = kNoLabel;
  }
  return true;
}

bool LabelledWindows::add(const Window& window) noexcept {
  if (window.label >= kLabels) return false;
  const uint32_t number = added_[window.label]++;
  const uint32_t turn = number / kQueryEvery;
  const bool is_query = number % kQueryEvery == kQueryEvery - 1;
  Window* places = is_query ? query_[window.label] : support_[window.label];
  places[is_query ? turn % kQueryPerLabel : (number - turn) % kSupportPerLabel] = window;
  return true;
}

bool LabelledWindows::is_complete() const noexcept {
  for (const uint32_t added : added_) {
    if (added < kSupportPerLabel + kQueryPerLabel) return false;
  }
  return true;
}

edge::SampleSource LabelledWindows::source(float unit) noexcept {
  unit_ = unit;
  return {this, &begin, &input, &target, true};
}

const Window& LabelledWindows::at(edge::SampleSet set, uint32_t index) const noexcept {
  return set == edge::SampleSet::kSupport ? support_[index % kLabels][index / kLabels]
                                          : query_[index % kLabels][index / kLabels];
}

Status LabelledWindows::begin(void* context, const edge::TaskRequest& /*request*/, edge::SampleCounts& counts) {
  if (!static_cast<const LabelledWindows*>(context)->is_complete()) return Status::kUnavailable;
  counts = {kLabels * kSupportPerLabel, kLabels * kQueryPerLabel};
  return Status::kOk;
}

Status LabelledWindows::input(void* context, edge::SampleSet set, uint32_t index, Span<float> stored) {
  const auto& self = *static_cast<const LabelledWindows*>(context);
  return inputs_of(self.at(set, index), self.unit_, stored);
}

float LabelledWindows::target(void* context, edge::SampleSet set, uint32_t index, uint32_t /*output*/) {
  return static_cast<float>(static_cast<const LabelledWindows*>(context)->at(set, index).label);
}

}  // namespace skink::firmware
