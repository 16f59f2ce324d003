#include "skink/coordinator/core/aggregator.hpp"

#include <algorithm>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/coordinator/core/clipping.hpp"

namespace skink::coordinator {

Aggregator::Aggregator(const nn::Network& network, double clip_norm)
    : network_(network), clip_norm_(clip_norm), sums_(network.parameter_count(), 0) {}

void Aggregator::reset() {
  std::fill(sums_.begin(), sums_.end(), 0);
  total_weight_ = 0;
  updates_ = 0;
}

wire::Refusal Aggregator::add(Span<const float> change, std::uint32_t weight) {
  for (const float value : change) {
    if (!arithmetic::is_finite(value)) return wire::Refusal::kNotFinite;
    if (!arithmetic::is_aggregatable(value)) return wire::Refusal::kTooLarge;
  }
  if (weight >= arithmetic::kMaxTotalWeight - total_weight_) return wire::Refusal::kTooLarge;
  const float factor = clipping_factor(change, clip_norm_);
  for (std::size_t e = 0; e < change.size(); ++e) {
    sums_[e] += arithmetic::to_fixed_point(change[e] * factor) * static_cast<std::int64_t>(weight);
  }
  total_weight_ += weight;
  ++updates_;
  return wire::Refusal::kNone;
}

void Aggregator::step(double meta_learning_rate, Span<float> parameters) const {
  if (total_weight_ == 0) return;
  for (const nn::Tensor& tensor : network_.tensors()) {
    if (!tensor.trainable) continue;
    for (std::size_t e = tensor.offset; e < tensor.offset + std::size_t{tensor.count}; ++e) {
      const double mean = arithmetic::mean_of_fixed_point(sums_[e], total_weight_);
      parameters[e] = arithmetic::outer_step(parameters[e], meta_learning_rate, mean);
    }
  }
}

}  // namespace skink::coordinator
