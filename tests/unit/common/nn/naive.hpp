#pragma once
/// @file
/// docs/arithmetic.md, section 6, written down without any thought of speed or memory: every layer keeps its inputs and
/// outputs, the whole input gradient comes before the update, windows are looked up tap by tap. Shares nothing with the
/// kernels but exp, log and tanh.

#include <cmath>
#include <vector>

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/nn/network.hpp"

namespace skink::test {

using Numbers = std::vector<float>;

/// A window along one axis: which input cell tap t of output o is.
struct Axis {
  int in = 1;
  int kernel = 1;
  int stride = 1;
  int out = 1;
  int pad = 0;

  Axis(int extent, int k, int s, nn::Padding padding) : in(extent), kernel(k), stride(s) {
    if (padding == nn::Padding::kValid) {
      out = (in - k) / s + 1;
    } else {
      out = (in + s - 1) / s;
      const int missing = (out - 1) * s + k - in;
      pad = missing > 0 ? missing / 2 : 0;
    }
  }
  int cell(int o, int t) const { return o * stride + t - pad; }
  bool inside(int o, int t) const { return cell(o, t) >= 0 && cell(o, t) < in; }
};

class NaiveLayer {
 public:
  NaiveLayer(const nn::LayerSpec& layer, nn::Shape input, std::size_t first_parameter)
      : spec(layer),
        in(input),
        rows(input.height, layer.kernel_height == 0 ? 1 : layer.kernel_height,
             layer.stride_height == 0 ? 1 : layer.stride_height, layer.padding),
        columns(input.width, layer.kernel_width == 0 ? 1 : layer.kernel_width,
                layer.stride_width == 0 ? 1 : layer.stride_width, layer.padding),
        w(first_parameter) {
    units = layer.units;
    out = in;
    if (spec.kind == nn::LayerKind::kDense) {
      out = {1, 1, spec.units};
      weights = in.size() * spec.units;
    } else if (spec.kind == nn::LayerKind::kRational) {
      units = 2;
      weights = 4;
    } else if (spec.kind == nn::LayerKind::kGroupNorm) {
      units = in.channels;
      weights = in.channels;
    } else if (spec.kind == nn::LayerKind::kGlobalAveragePool) {
      out = {1, 1, in.channels};
    } else if (spec.kind == nn::LayerKind::kFlatten) {
      out = {1, 1, static_cast<std::uint16_t>(in.size())};
    } else if (spec.kernel_height != 0) {
      out = {static_cast<std::uint16_t>(rows.out), static_cast<std::uint16_t>(columns.out), in.channels};
      if (spec.kind == nn::LayerKind::kConv2d) {
        out.channels = spec.units;
        weights = std::size_t{spec.kernel_height} * spec.kernel_width * in.channels * spec.units;
      } else if (spec.kind == nn::LayerKind::kDepthwiseConv2d) {
        units = in.channels;
        weights = std::size_t{spec.kernel_height} * spec.kernel_width * in.channels;
      }
    }
    b = w + weights;
    parameters = weights == 0 ? 0 : weights + static_cast<std::size_t>(units);
  }

  bool is_trainable() const { return parameters != 0 && (spec.train_weights || spec.train_bias); }
  std::size_t x_at(int y, int x, int c) const {
    return (static_cast<std::size_t>(y) * in.width + static_cast<std::size_t>(x)) * in.channels +
           static_cast<std::size_t>(c);
  }
  std::size_t y_at(int y, int x, int c) const {
    return (static_cast<std::size_t>(y) * out.width + static_cast<std::size_t>(x)) * out.channels +
           static_cast<std::size_t>(c);
  }
  std::size_t w_at(int f, int ky, int kx, int ci) const {
    return w + static_cast<std::size_t>(((f * spec.kernel_height + ky) * spec.kernel_width + kx) * in.channels + ci);
  }

  std::size_t depthwise_at(int ky, int kx, int c) const {
    return w + static_cast<std::size_t>((ky * spec.kernel_width + kx) * in.channels + c);
  }

  nn::LayerSpec spec;
  nn::Shape in;
  nn::Shape out;
  Axis rows;
  Axis columns;
  std::size_t w = 0;  ///< first weight
  std::size_t b = 0;  ///< first bias
  std::size_t weights = 0;
  std::size_t parameters = 0;
  int units = 0;
};

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

/// A rational activation at one number: r = p / q with q = 1 + |s|.
struct NaiveRational {
  float p = 0;
  float s = 0;
  float q = 0;

  NaiveRational(const NaiveLayer& layer, const Numbers& w, float x) {
    p = ((w[layer.w + 3] * x + w[layer.w + 2]) * x + w[layer.w + 1]) * x + w[layer.w];
    s = (w[layer.b + 1] * x + w[layer.b]) * x;
    q = 1.0F + (0.0F > s ? 0.0F - s : s);
  }
  /// The factor of the gradients of b1 and b2.
  float denominator_gradient(float e) const {
    const float f = e * (p / q);
    if (s > 0.0F) return 0.0F - f;
    return 0.0F > s ? f : 0.0F;
  }
};

/// Calls visit(oy, ox, ky, kx, iy, ix) for every tap inside the image, outputs outermost.
template <class Visit>
void for_taps(const NaiveLayer& layer, Visit visit) {
  for (int oy = 0; oy < layer.rows.out; ++oy) {
    for (int ox = 0; ox < layer.columns.out; ++ox) {
      for (int ky = 0; ky < layer.rows.kernel; ++ky) {
        for (int kx = 0; kx < layer.columns.kernel; ++kx) {
          if (!layer.rows.inside(oy, ky) || !layer.columns.inside(ox, kx)) continue;
          visit(oy, ox, ky, kx, layer.rows.cell(oy, ky), layer.columns.cell(ox, kx));
        }
      }
    }
  }
}

inline Numbers naive_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  Numbers y(layer.out.size(), 0.0F);
  const int channels = layer.in.channels;
  switch (layer.spec.kind) {
    case nn::LayerKind::kDense:
      for (std::size_t o = 0; o < y.size(); ++o) {
        y[o] = w[layer.b + o];
        for (std::size_t i = 0; i < x.size(); ++i) y[o] = y[o] + w[layer.w + o * x.size() + i] * x[i];
      }
      break;
    case nn::LayerKind::kConv2d:
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = w[layer.b + k % static_cast<std::size_t>(layer.units)];
      for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
        for (int ci = 0; ci < channels; ++ci) {
          for (int f = 0; f < layer.units; ++f) {
            float& sum = y[layer.y_at(oy, ox, f)];
            sum = sum + w[layer.w_at(f, ky, kx, ci)] * x[layer.x_at(iy, ix, ci)];
          }
        }
      });
      break;
    case nn::LayerKind::kDepthwiseConv2d:
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = w[layer.b + k % static_cast<std::size_t>(channels)];
      for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
        for (int c = 0; c < channels; ++c) {
          float& sum = y[layer.y_at(oy, ox, c)];
          sum = sum + w[layer.depthwise_at(ky, kx, c)] * x[layer.x_at(iy, ix, c)];
        }
      });
      break;
    case nn::LayerKind::kRational:
      for (std::size_t i = 0; i < x.size(); ++i) {
        const NaiveRational at(layer, w, x[i]);
        y[i] = at.p / at.q;
      }
      break;
    case nn::LayerKind::kGroupNorm: {
      const NaiveGroups groups(layer, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t g = groups.of(layer, i);
        const std::size_t c = i % layer.in.channels;
        y[i] = (x[i] - groups.mean[g]) * (groups.scale[g] * w[layer.w + c]) + w[layer.b + c];
      }
      break;
    }
    case nn::LayerKind::kGlobalAveragePool:
      for (std::size_t i = 0; i < x.size(); ++i) y[i % y.size()] = y[i % y.size()] + x[i];
      for (float& mean : y) mean = mean * (1.0F / static_cast<float>(layer.rows.in * layer.columns.in));
      break;
    case nn::LayerKind::kRelu:
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = x[k] > 0.0F ? x[k] : 0.0F;
      break;
    case nn::LayerKind::kTanh:
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = arithmetic::tanh(x[k]);
      break;
    case nn::LayerKind::kMaxPool: {
      std::vector<bool> started(y.size());
      for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
        for (int c = 0; c < channels; ++c) {
          const std::size_t k = layer.y_at(oy, ox, c);
          const float v = x[layer.x_at(iy, ix, c)];
          y[k] = !started[k] || v > y[k] ? v : y[k];
          started[k] = true;
        }
      });
      break;
    }
    case nn::LayerKind::kAveragePool: {
      std::vector<int> taps(y.size());
      for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
        for (int c = 0; c < channels; ++c) {
          const std::size_t k = layer.y_at(oy, ox, c);
          y[k] = y[k] + x[layer.x_at(iy, ix, c)];
          ++taps[k];
        }
      });
      for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] * (1.0F / static_cast<float>(taps[k]));
      break;
    }
    case nn::LayerKind::kFlatten: y = x; break;
  }
  return y;
}

/// The order of section 6: for every input cell, taps (ky, kx) outermost, then outputs (at most one) and filters.
template <class Visit>
void for_inputs(const NaiveLayer& layer, Visit visit) {
  for (int ky = 0; ky < layer.rows.kernel; ++ky) {
    for (int kx = 0; kx < layer.columns.kernel; ++kx) {
      for (int oy = 0; oy < layer.rows.out; ++oy) {
        for (int ox = 0; ox < layer.columns.out; ++ox) {
          if (!layer.rows.inside(oy, ky) || !layer.columns.inside(ox, kx)) continue;
          visit(oy, ox, ky, kx, layer.rows.cell(oy, ky), layer.columns.cell(ox, kx));
        }
      }
    }
  }
}

inline int taps_of(const NaiveLayer& layer, int oy, int ox) {
  int count = 0;
  for (int ky = 0; ky < layer.rows.kernel; ++ky) {
    for (int kx = 0; kx < layer.columns.kernel; ++kx) {
      count += layer.rows.inside(oy, ky) && layer.columns.inside(ox, kx) ? 1 : 0;
    }
  }
  return count;
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

inline float naive_rational_backward(const NaiveLayer& layer, const Numbers& w, float x, float d) {
  const NaiveRational at(layer, w, x);
  const float e = d / at.q;
  const float slope = ((3.0F * w[layer.w + 3]) * x + (w[layer.w + 2] + w[layer.w + 2])) * x + w[layer.w + 1];
  const float inner_slope = (w[layer.b + 1] + w[layer.b + 1]) * x + w[layer.b];
  return e * slope + at.denominator_gradient(e) * inner_slope;
}

inline Numbers naive_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& x, const Numbers& y,
                              const Numbers& d) {
  Numbers dx(x.size(), 0.0F);
  const int channels = layer.in.channels;
  switch (layer.spec.kind) {
    case nn::LayerKind::kDense:
      for (std::size_t i = 0; i < x.size(); ++i) {
        for (std::size_t o = 0; o < y.size(); ++o) dx[i] = dx[i] + w[layer.w + o * x.size() + i] * d[o];
      }
      break;
    case nn::LayerKind::kConv2d:
      for_inputs(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
        for (int f = 0; f < layer.units; ++f) {
          for (int ci = 0; ci < channels; ++ci) {
            float& sum = dx[layer.x_at(iy, ix, ci)];
            sum = sum + w[layer.w_at(f, ky, kx, ci)] * d[layer.y_at(oy, ox, f)];
          }
        }
      });
      break;
    case nn::LayerKind::kDepthwiseConv2d:
      for_inputs(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
        for (int c = 0; c < channels; ++c) {
          float& sum = dx[layer.x_at(iy, ix, c)];
          sum = sum + w[layer.depthwise_at(ky, kx, c)] * d[layer.y_at(oy, ox, c)];
        }
      });
      break;
    case nn::LayerKind::kRational:
      for (std::size_t i = 0; i < x.size(); ++i) dx[i] = naive_rational_backward(layer, w, x[i], d[i]);
      break;
    case nn::LayerKind::kGroupNorm: dx = naive_group_norm_backward(layer, w, x, d); break;
    case nn::LayerKind::kGlobalAveragePool:
      for (std::size_t i = 0; i < x.size(); ++i) {
        dx[i] = d[i % y.size()] * (1.0F / static_cast<float>(layer.rows.in * layer.columns.in));
      }
      break;
    case nn::LayerKind::kRelu:
      for (std::size_t k = 0; k < x.size(); ++k) dx[k] = y[k] > 0.0F ? d[k] : 0.0F;
      break;
    case nn::LayerKind::kTanh:
      for (std::size_t k = 0; k < x.size(); ++k) dx[k] = d[k] * (1.0F - y[k] * y[k]);
      break;
    case nn::LayerKind::kMaxPool: {
      std::vector<bool> taken(y.size());
      for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
        for (int c = 0; c < channels; ++c) {
          const std::size_t k = layer.y_at(oy, ox, c);
          if (taken[k] || x[layer.x_at(iy, ix, c)] != y[k]) continue;
          taken[k] = true;
          dx[layer.x_at(iy, ix, c)] = d[k];
        }
      });
      break;
    }
    case nn::LayerKind::kAveragePool:
      for_inputs(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
        const float factor = 1.0F / static_cast<float>(taps_of(layer, oy, ox));
        for (int c = 0; c < channels; ++c) {
          float& sum = dx[layer.x_at(iy, ix, c)];
          sum = sum + d[layer.y_at(oy, ox, c)] * factor;
        }
      });
      break;
    case nn::LayerKind::kFlatten: dx = d; break;
  }
  return dx;
}

/// Gradients of one sample: the sums of the table "Gradients and updates". `gradient` spans all parameters.
inline void naive_gradient(const NaiveLayer& layer, const Numbers& w, const Numbers& x, const Numbers& d,
                           Numbers& gradient) {
  if (layer.spec.kind == nn::LayerKind::kRational) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const NaiveRational at(layer, w, x[i]);
      const float e = d[i] / at.q;
      const float h = at.denominator_gradient(e) * x[i];
      gradient[layer.w] = gradient[layer.w] + e;
      gradient[layer.w + 1] = gradient[layer.w + 1] + e * x[i];
      gradient[layer.w + 2] = gradient[layer.w + 2] + (e * x[i]) * x[i];
      gradient[layer.w + 3] = gradient[layer.w + 3] + ((e * x[i]) * x[i]) * x[i];
      gradient[layer.b] = gradient[layer.b] + h;
      gradient[layer.b + 1] = gradient[layer.b + 1] + h * x[i];
    }
    return;
  }
  if (layer.spec.kind == nn::LayerKind::kDense) {
    for (std::size_t o = 0; o < d.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) gradient[layer.w + o * x.size() + i] = d[o] * x[i];
      gradient[layer.b + o] = d[o];
    }
    return;
  }
  if (layer.spec.kind == nn::LayerKind::kGroupNorm) {
    Numbers gain;
    Numbers bias;
    naive_group_norm_gradient(layer, x, d, gain, bias);
    for (std::size_t c = 0; c < gain.size(); ++c) {
      gradient[layer.w + c] = gain[c];
      gradient[layer.b + c] = bias[c];
    }
    return;
  }
  for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    if (layer.spec.kind == nn::LayerKind::kDepthwiseConv2d) {
      for (int c = 0; c < layer.units; ++c) {
        float& sum = gradient[layer.depthwise_at(ky, kx, c)];
        sum = sum + d[layer.y_at(oy, ox, c)] * x[layer.x_at(iy, ix, c)];
      }
      return;
    }
    for (int f = 0; f < layer.units; ++f) {
      for (int ci = 0; ci < layer.in.channels; ++ci) {
        float& sum = gradient[layer.w_at(f, ky, kx, ci)];
        sum = sum + d[layer.y_at(oy, ox, f)] * x[layer.x_at(iy, ix, ci)];
      }
    }
  });
  for (std::size_t k = 0; k < d.size(); ++k) {
    float& sum = gradient[layer.b + k % static_cast<std::size_t>(layer.units)];
    sum = sum + d[k];
  }
}

class NaiveNetwork {
 public:
  NaiveNetwork(nn::Shape input, const std::vector<nn::LayerSpec>& specs, nn::Loss loss) : loss_(loss) {
    for (const nn::LayerSpec& spec : specs) {
      layers_.emplace_back(spec, input, parameters_);
      input = layers_.back().out;
      parameters_ += layers_.back().parameters;
    }
    while (!layers_[lowest_].is_trainable()) ++lowest_;
  }

  std::size_t parameter_count() const { return parameters_; }

  /// Loss and the gradient of the outputs.
  float loss(const Numbers& z, const Numbers& target, Numbers& d) const {
    d.assign(z.size(), 0.0F);
    if (loss_ == nn::Loss::kMeanSquaredError) {
      const float v = 1.0F / static_cast<float>(z.size());
      float sum = 0.0F;
      for (std::size_t o = 0; o < z.size(); ++o) {
        const float r = z[o] - target[o];
        sum = sum + r * r;
        d[o] = (r + r) * v;
      }
      return sum * v;
    }
    const auto label = static_cast<std::size_t>(target[0]);
    float m = z[0];
    for (std::size_t o = 1; o < z.size(); ++o) m = z[o] > m ? z[o] : m;
    float s = 0.0F;
    for (const float value : z) s = s + arithmetic::exp(value - m);
    for (std::size_t o = 0; o < z.size(); ++o) d[o] = arithmetic::exp(z[o] - m) / s - (o == label ? 1.0F : 0.0F);
    return arithmetic::log(s) - (z[label] - m);
  }

  /// One online step; the loss before it.
  float online(Numbers& w, float rate, const Numbers& x, const Numbers& target) const {
    std::vector<Numbers> values = forward(w, x);
    Numbers d;
    const float before = loss(values.back(), target, d);
    for (std::size_t l = layers_.size(); l-- > lowest_;) {
      const NaiveLayer& layer = layers_[l];
      const Numbers dx = l > lowest_ ? naive_backward(layer, w, values[l], values[l + 1], d) : Numbers{};
      if (layer.parameters != 0) update_online(layer, w, rate, values[l], d);
      d = dx;
    }
    return before;
  }

  /// One mini-batch; the largest loss before it.
  float batch(Numbers& w, float rate, const std::vector<Numbers>& inputs, const std::vector<Numbers>& targets) const {
    Numbers total(parameters_, 0.0F);
    float largest = 0.0F;
    for (std::size_t s = 0; s < inputs.size(); ++s) {
      const std::vector<Numbers> values = forward(w, inputs[s]);
      Numbers d;
      const float before = loss(values.back(), targets[s], d);
      largest = before > largest ? before : largest;
      for (std::size_t l = layers_.size(); l-- > lowest_;) {
        const NaiveLayer& layer = layers_[l];
        if (layer.parameters != 0) {
          Numbers gradient(parameters_, 0.0F);
          naive_gradient(layer, w, values[l], d, gradient);
          for (std::size_t e = layer.w; e < layer.w + layer.parameters; ++e) total[e] = total[e] + gradient[e];
        }
        d = naive_backward(layer, w, values[l], values[l + 1], d);
      }
    }
    const float step = rate / static_cast<float>(inputs.size());
    for (const NaiveLayer& layer : layers_) {
      for_trainable(layer, [&](std::size_t e) { w[e] = w[e] - step * total[e]; });
    }
    return largest;
  }

  /// The input, then the outputs of every layer.
  std::vector<Numbers> forward(const Numbers& w, const Numbers& x) const {
    std::vector<Numbers> values{x};
    for (const NaiveLayer& layer : layers_) values.push_back(naive_forward(layer, w, values.back()));
    return values;
  }

 private:
  template <class Visit>
  static void for_trainable(const NaiveLayer& layer, Visit visit) {
    for (std::size_t e = layer.w; layer.parameters != 0 && layer.spec.train_weights && e < layer.b; ++e) visit(e);
    for (std::size_t e = layer.b; layer.spec.train_bias && e < layer.w + layer.parameters; ++e) visit(e);
  }

  void update_online(const NaiveLayer& layer, Numbers& w, float a, const Numbers& x, const Numbers& d) const {
    if (layer.spec.kind == nn::LayerKind::kDense) {
      for (std::size_t o = 0; o < d.size(); ++o) {
        const float g = a * d[o];
        for (std::size_t i = 0; layer.spec.train_weights && i < x.size(); ++i) {
          float& weight = w[layer.w + o * x.size() + i];
          weight = weight - g * x[i];
        }
        if (layer.spec.train_bias) w[layer.b + o] = w[layer.b + o] - a * d[o];
      }
      return;
    }
    Numbers gradient(parameters_, 0.0F);
    naive_gradient(layer, w, x, d, gradient);
    for_trainable(layer, [&](std::size_t e) { w[e] = w[e] - a * gradient[e]; });
  }

  std::vector<NaiveLayer> layers_;
  nn::Loss loss_;
  std::size_t parameters_ = 0;
  std::size_t lowest_ = 0;
};

}  // namespace skink::test
