#include "skink/common/features/standardiser.hpp"

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/real.hpp"

namespace skink::features {
namespace {

constexpr float kEpsilon = 1e-5F;

}  // namespace

Status Standardiser::begin(size_t size, Span<float> memory) noexcept {
  if (size < 1 || size > kMaxVector) return Status::kInvalidArgument;
  if (memory.size() < memory_count(size)) return Status::kBufferTooSmall;
  mean_ = memory.first(size);
  squares_ = memory.subspan(size, size);
  count_ = 0;
  for (float& value : mean_) value = 0;
  for (float& value : squares_) value = 0;
  return Status::kOk;
}

Status Standardiser::restore(size_t size, Span<float> memory, uint32_t count) noexcept {
  if (size < 1 || size > kMaxVector || count > kMostVectors) return Status::kInvalidArgument;
  if (memory.size() < memory_count(size)) return Status::kBufferTooSmall;
  for (size_t i = 0; i < 2 * size; ++i) {
    if (!arithmetic::is_finite(memory[i]) || (i >= size && memory[i] < 0.0F)) return Status::kNotFinite;
  }
  mean_ = memory.first(size);
  squares_ = memory.subspan(size, size);
  count_ = count;
  return Status::kOk;
}

Status Standardiser::check(Span<const float> x) const noexcept {
  if (mean_.empty() || x.size() != mean_.size()) return Status::kShapeMismatch;
  for (const float value : x) {
    if (!(value >= -kFeatureLimit && value <= kFeatureLimit)) return Status::kNotFinite;
  }
  return Status::kOk;
}

Status Standardiser::add(Span<const float> x) noexcept {
  const Status status = check(x);
  if (status != Status::kOk || count_ == kMostVectors) return status;
  ++count_;
  const auto n = static_cast<float>(count_);
  for (size_t i = 0; i < x.size(); ++i) {
    const float d = x[i] - mean_[i];
    mean_[i] = mean_[i] + d / n;
    squares_[i] = squares_[i] + d * (x[i] - mean_[i]);
  }
  return Status::kOk;
}

Status Standardiser::standardise(Span<float> x) const noexcept {
  const Status status = check(x);
  if (status != Status::kOk) return status;
  if (count_ == 0) return Status::kUnavailable;
  const auto n = static_cast<float>(count_);
  for (size_t i = 0; i < x.size(); ++i) {
    const float r = 1.0F / arithmetic::sqrt(squares_[i] / n + kEpsilon);
    x[i] = arithmetic::canonical((x[i] - mean_[i]) * r);
  }
  return Status::kOk;
}

}  // namespace skink::features
