#include "skink/common/features/frames.hpp"

#include <string.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::features {
namespace {

bool is_sound(const FrameSpec& spec) noexcept {
  if (spec.axes < 1 || spec.axes > kMaxAxes || spec.length < 2 || spec.length > kMaxWindow) return false;
  if (spec.hop < 1 || spec.hop > spec.length) return false;
  for (uint32_t a = 0; a < spec.axes; ++a) {
    if (!arithmetic::is_finite(spec.scale[a]) || !arithmetic::is_finite(spec.offset[a]) || spec.scale[a] == 0.0F) {
      return false;
    }
  }
  return true;
}

void count(uint32_t& counter) noexcept {
  if (counter != UINT32_MAX) ++counter;
}

}  // namespace

Status Framer::begin(const FrameSpec& spec, Span<float> memory) noexcept {
  if (!is_sound(spec)) return Status::kInvalidArgument;
  if (memory.size() < memory_count(spec)) return Status::kBufferTooSmall;
  *this = Framer();
  spec_ = spec;
  memory_ = memory;
  return Status::kOk;
}

void Framer::note_gap() noexcept {
  count_ = 0;
  has_window_ = false;
  count(gaps_);
}

void Framer::make_room() noexcept {
  if (count_ != spec_.length) return;
  count_ -= spec_.hop;
  for (uint32_t a = 0; a < spec_.axes; ++a) {
    float* row = memory_.data() + a * spec_.length;
    memmove(row, row + spec_.hop, count_ * sizeof(float));
  }
}

template <class T>
Status Framer::add_reading(Span<const T> stored, bool& is_complete) noexcept {
  is_complete = false;
  if (memory_.empty() || stored.size() != spec_.axes) return Status::kShapeMismatch;
  float x[kMaxAxes];
  for (uint32_t a = 0; a < spec_.axes; ++a) {
    x[a] = static_cast<float>(stored[a]) * spec_.scale[a] + spec_.offset[a];
    if (!(x[a] > -kReadingLimit && x[a] < kReadingLimit)) {
      note_gap();
      count(refused_);
      return Status::kNotFinite;
    }
  }
  make_room();
  for (uint32_t a = 0; a < spec_.axes; ++a) memory_[a * spec_.length + count_] = x[a];
  is_complete = ++count_ == spec_.length;
  if (is_complete) {
    is_first_ = !has_window_;
    has_window_ = true;
  }
  return Status::kOk;
}

template Status Framer::add_reading(Span<const int16_t> stored, bool& is_complete) noexcept;
template Status Framer::add_reading(Span<const float> stored, bool& is_complete) noexcept;

}  // namespace skink::features
