#pragma once
/// @file
/// Group normalisation for naive.hpp.

#include <cmath>
#include <vector>

#include "naive_layer.hpp"

namespace skink::test {

/// Group normalisation: mean and scale of every group, and the numbers of a group in order.
struct NaiveGroups {
  std::vector<float> mean;
  std::vector<float> scale;
  float count = 0;
  std::size_t width = 1;  ///< channels of a group

  NaiveGroups(const NaiveLayer& layer, const Numbers& x) : mean(layer.spec.units), scale(layer.spec.units) {
    width = layer.in.channels / mean.size();
    const std::size_t numbers = x.size() / mean.size();
    count = static_cast<float>(numbers);
    for (std::size_t i = 0; i < x.size(); ++i) mean[of(layer, i)] = mean[of(layer, i)] + x[i];
    for (float& value : mean) value = value / count;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float t = x[i] - mean[of(layer, i)];
      scale[of(layer, i)] = scale[of(layer, i)] + t * t;
    }
    for (float& value : scale) value = 1.0F / std::sqrt(value / count + 1e-5F);
  }
  std::size_t of(const NaiveLayer& layer, std::size_t i) const { return i % layer.in.channels / width; }
};

inline Numbers naive_group_norm_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  const NaiveGroups groups(layer, x);
  Numbers y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t g = groups.of(layer, i);
    const std::size_t c = i % layer.in.channels;
    y[i] = (x[i] - groups.mean[g]) * (groups.scale[g] * w[layer.w + c]) + w[layer.b + c];
  }
  return y;
}

/// Gradients of gain and bias: into `gain` and `bias`, both [channels].
inline void naive_group_norm_gradient(const NaiveLayer& layer, const Numbers& x, const Numbers& d, Numbers& gain,
                                      Numbers& bias) {
  const NaiveGroups groups(layer, x);
  gain.assign(layer.in.channels, 0.0F);
  bias = gain;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % gain.size();
    gain[c] = gain[c] + d[i] * (x[i] - groups.mean[groups.of(layer, i)]);
    bias[c] = bias[c] + d[i];
  }
  for (std::size_t c = 0; c < gain.size(); ++c) gain[c] = gain[c] * groups.scale[c / groups.width];
}

inline Numbers naive_group_norm_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& x,
                                         const Numbers& d) {
  const NaiveGroups groups(layer, x);
  Numbers gain;
  Numbers bias;
  naive_group_norm_gradient(layer, x, d, gain, bias);
  Numbers u(layer.spec.units);
  Numbers v(layer.spec.units);
  for (std::size_t c = 0; c < gain.size(); ++c) {
    u[c / groups.width] = u[c / groups.width] + w[layer.w + c] * bias[c];
    v[c / groups.width] = v[c / groups.width] + w[layer.w + c] * gain[c];
  }
  Numbers dx(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t g = groups.of(layer, i);
    const float r = groups.scale[g];
    const float shift = r * (u[g] / groups.count);
    const float slope = r * (r * (v[g] / groups.count));
    const float own = (r * w[layer.w + i % gain.size()]) * d[i];
    dx[i] = (own - shift) - (x[i] - groups.mean[g]) * slope;
  }
  return dx;
}

}  // namespace skink::test
