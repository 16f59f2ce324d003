#include "skink/firmware/samples/labelled_vectors.hpp"

#include <string.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::firmware {

Status LabelledVectors::begin(const LabelledVectorsSpec& spec, Span<float> memory) noexcept {
  if (spec.labels < 2 || spec.labels > kMaxLabels || spec.support < 1 || spec.support > 255 || spec.query > 255 ||
      spec.size < 1 || spec.size > 65535) {
    return Status::kInvalidArgument;
  }
  if (memory.size() < memory_count(spec)) return Status::kBufferTooSmall;
  *this = LabelledVectors();
  spec_ = spec;
  memory_ = memory;
  return Status::kOk;
}

Span<float> LabelledVectors::place(uint32_t label, uint32_t index) const noexcept {
  return memory_.subspan((size_t{label} * (spec_.support + spec_.query) + index) * spec_.size, spec_.size);
}

Status LabelledVectors::add(uint8_t label, Span<const float> vector) noexcept {
  if (label >= spec_.labels) return Status::kInvalidArgument;
  if (vector.size() != spec_.size) return Status::kShapeMismatch;
  for (const float value : vector) {
    if (!arithmetic::is_finite(value)) return Status::kNotFinite;
  }
  const uint32_t places = spec_.support + spec_.query;
  memcpy(place(label, added_[label] % places).data(), vector.data(), vector.size() * sizeof(float));
  if (++added_[label] == 2 * places) added_[label] = places;
  return Status::kOk;
}

uint32_t LabelledVectors::count(uint8_t label) const noexcept {
  if (label >= spec_.labels) return 0;
  const uint32_t places = spec_.support + spec_.query;
  return added_[label] < places ? added_[label] : places;
}

bool LabelledVectors::is_complete() const noexcept {
  for (uint32_t label = 0; label < spec_.labels; ++label) {
    if (added_[label] < spec_.support + spec_.query) return false;
  }
  return spec_.labels != 0;
}

edge::SampleSource LabelledVectors::source() noexcept { return {this, &begin_task, &input, &target, true}; }

const float* LabelledVectors::at(edge::SampleSet set, uint32_t index) const noexcept {
  const uint32_t first = set == edge::SampleSet::kSupport ? 0 : spec_.support;
  return place(index % spec_.labels, first + index / spec_.labels).data();
}

Status LabelledVectors::begin_task(void* context, const edge::TaskRequest& /*request*/, edge::SampleCounts& counts) {
  const auto& self = *static_cast<const LabelledVectors*>(context);
  if (!self.is_complete()) return Status::kUnavailable;
  counts = {self.spec_.labels * self.spec_.support, self.spec_.labels * self.spec_.query};
  return Status::kOk;
}

Status LabelledVectors::input(void* context, edge::SampleSet set, uint32_t index, Span<float> stored) {
  const auto& self = *static_cast<const LabelledVectors*>(context);
  if (stored.size() != self.spec_.size) return Status::kShapeMismatch;
  memcpy(stored.data(), self.at(set, index), stored.size() * sizeof(float));
  return Status::kOk;
}

float LabelledVectors::target(void* context, edge::SampleSet /*set*/, uint32_t index, uint32_t /*output*/) {
  return static_cast<float>(index % static_cast<const LabelledVectors*>(context)->spec_.labels);
}

OnsetGate::Window OnsetGate::add(float level) noexcept {
  const bool is_loud = level > threshold_;
  if (left_ > 0) {
    --left_;
    if (left_ == 0) quiet_ = pause_;
    return Window::kGoesOn;
  }
  if (quiet_ > 0) {
    quiet_ = is_loud ? pause_ : quiet_ - 1;
    return Window::kQuiet;
  }
  if (!is_loud) return Window::kQuiet;
  left_ = windows_ - 1;
  if (left_ == 0) quiet_ = pause_;
  return Window::kBegins;
}

}  // namespace skink::firmware
