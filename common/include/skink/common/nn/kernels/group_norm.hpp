#pragma once
/// @file
/// Group normalisation: each sample by itself, so it is the same for a batch of one. Orders and in-place rules:
/// all_kernels.hpp. Source: Wu, He, "Group Normalization", arXiv:1803.08494, equations 1 to 6.

#include "skink/common/nn/kernels/activation.hpp"

namespace skink::nn::kernels {

/// Added to the variance, so that the root is never 0.
inline constexpr float kVarianceFloor = 1e-5F;

/// Count, mean and 1/deviation of the numbers of one group.
template <class Real>
struct GroupStatistics {
  Real count;
  Real mean;
  Real scale;
};

/// Sums over positions, then channels of the group ascending, from 0; divided by the count. The variance is that of
/// the differences. `x` is the group's first number.
template <class Real>
GroupStatistics<Real> group_statistics(const LayerPlan& plan, const Real* x) noexcept {
  using T = RealTraits<Real>;
  const size_t channels = plan.in.channels;
  const size_t width = channels / plan.spec.units;
  const size_t size = plan.in.size();
  GroupStatistics<Real> group;
  const size_t count = size / plan.spec.units;
  group.count = T::broadcast(static_cast<float>(count));
  Real sum = T::broadcast(0.0F);
  for (size_t first = 0; first < size; first += channels) {
    for (size_t c = 0; c < width; ++c) sum += x[first + c];
  }
  group.mean = sum / group.count;
  sum = T::broadcast(0.0F);
  for (size_t first = 0; first < size; first += channels) {
    for (size_t c = 0; c < width; ++c) {
      const Real difference = x[first + c] - group.mean;
      sum += difference * difference;
    }
  }
  group.scale = T::broadcast(1.0F) / T::sqrt(sum / group.count + T::broadcast(kVarianceFloor));
  return group;
}

/// y = (x - mean) * (scale * w[c]) + b[c].
template <class Real>
void group_norm_forward(const LayerPlan& plan, const Real* w, const Real* b, const Real* x, Real* y) noexcept {
  const size_t channels = plan.in.channels;
  const size_t width = channels / plan.spec.units;
  GroupStatistics<Real> group;
  for (size_t c = 0; c < channels; ++c) {
    if (c % width == 0) group = group_statistics(plan, x + c);
    const Real gain = group.scale * w[c];
    for (size_t i = c; i < plan.in.size(); i += channels) y[i] = (x[i] - group.mean) * gain + b[c];
  }
}

/// Group by group. For each channel, over positions ascending from 0: q = sum of d, p = (sum of d * (x - mean)) *
/// scale, the gradients of bias and gain. Over the channels, ascending from 0: u = sum of w[c] * q, v = sum of w[c] *
/// p. Then
///
///   dx = ((scale * w[c]) * d - scale * (u / count)) - (x - mean) * (scale * (scale * (v / count)))
///
/// and after a channel's dx its gain changes. `scratch` holds p of each channel of a group; without an input gradient
/// none is needed.
template <class Real>
void group_norm_backward(const LayerPlan& plan, const Real* w, Real* x, const Real* d, Real* scratch,
                         const Update<Real>& update) noexcept {
  using T = RealTraits<Real>;
  const size_t channels = plan.in.channels;
  const size_t width = channels / plan.spec.units;
  const size_t size = plan.in.size();
  for (size_t first = 0; first < channels; first += width) {
    const GroupStatistics<Real> group = group_statistics(plan, static_cast<const Real*>(x) + first);
    Real gradient_sum = T::broadcast(0.0F);
    Real product_sum = T::broadcast(0.0F);
    for (size_t c = first; c < first + width; ++c) {
      Real gradient = T::broadcast(0.0F);
      Real product = T::broadcast(0.0F);
      for (size_t i = c; i < size; i += channels) {
        gradient += d[i];
        product += d[i] * (x[i] - group.mean);
      }
      product = product * group.scale;
      gradient_sum += w[c] * gradient;
      product_sum += w[c] * product;
      if (update.bias != nullptr) update.bias[c] += update.scale * gradient;
      if (update.weights == nullptr) continue;
      if (update.propagates) {
        scratch[c - first] = product;
      } else {
        update.weights[c] += update.scale * product;
      }
    }
    if (!update.propagates) continue;
    const Real shift = group.scale * (gradient_sum / group.count);
    const Real slope = group.scale * (group.scale * (product_sum / group.count));
    for (size_t c = first; c < first + width; ++c) {
      const Real gain = group.scale * w[c];
      for (size_t i = c; i < size; i += channels) {
        const Real gradient = (gain * d[i] - shift) - (x[i] - group.mean) * slope;
        x[i] = through_activation(update.in_activation, x[i], gradient);
      }
      if (update.weights != nullptr) update.weights[c] += update.scale * scratch[c - first];
    }
  }
}

}  // namespace skink::nn::kernels
