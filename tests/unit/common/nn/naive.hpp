#pragma once
/// @file
/// docs/arithmetic.md, section 6, written down without any thought of speed or memory: every layer keeps its inputs and
/// outputs, the whole input gradient comes before the update, windows are looked up tap by tap. Shares nothing with the
/// kernels but exp, log and tanh.

#include <vector>

#include "naive_group_norm.hpp"
#include "naive_layer.hpp"
#include "naive_rational.hpp"
#include "naive_windows.hpp"
#include "skink/common/arithmetic/elementary.hpp"

namespace skink::test {

inline Numbers naive_dense_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  Numbers y(layer.out.size());
  for (std::size_t o = 0; o < y.size(); ++o) {
    y[o] = w[layer.b + o];
    for (std::size_t i = 0; i < x.size(); ++i) y[o] = y[o] + w[layer.w + o * x.size() + i] * x[i];
  }
  return y;
}

inline Numbers naive_dense_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& d) {
  Numbers dx(layer.in.size());
  for (std::size_t i = 0; i < dx.size(); ++i) {
    for (std::size_t o = 0; o < d.size(); ++o) dx[i] = dx[i] + w[layer.w + o * dx.size() + i] * d[o];
  }
  return dx;
}

inline void naive_dense_gradient(const NaiveLayer& layer, const Numbers& x, const Numbers& d, Numbers& gradient) {
  for (std::size_t o = 0; o < d.size(); ++o) {
    for (std::size_t i = 0; i < x.size(); ++i) gradient[layer.w + o * x.size() + i] = d[o] * x[i];
    gradient[layer.b + o] = d[o];
  }
}

inline Numbers naive_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  Numbers y(layer.out.size());
  switch (layer.spec.kind) {
    case nn::LayerKind::kDense: return naive_dense_forward(layer, w, x);
    case nn::LayerKind::kConv2d: return naive_conv2d_forward(layer, w, x);
    case nn::LayerKind::kDepthwiseConv2d: return naive_depthwise_forward(layer, w, x);
    case nn::LayerKind::kMaxPool: return naive_max_pool_forward(layer, x);
    case nn::LayerKind::kAveragePool: return naive_average_pool_forward(layer, x);
    case nn::LayerKind::kGroupNorm: return naive_group_norm_forward(layer, w, x);
    case nn::LayerKind::kRational:
      for (std::size_t i = 0; i < x.size(); ++i) {
        const NaiveRational at(layer, w, x[i]);
        y[i] = at.p / at.q;
      }
      break;
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
    case nn::LayerKind::kFlatten: y = x; break;
  }
  return y;
}

inline Numbers naive_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& x, const Numbers& y,
                              const Numbers& d) {
  Numbers dx(x.size());
  switch (layer.spec.kind) {
    case nn::LayerKind::kDense: return naive_dense_backward(layer, w, d);
    case nn::LayerKind::kConv2d: return naive_conv2d_backward(layer, w, d);
    case nn::LayerKind::kDepthwiseConv2d: return naive_depthwise_backward(layer, w, d);
    case nn::LayerKind::kMaxPool: return naive_max_pool_backward(layer, x, y, d);
    case nn::LayerKind::kAveragePool: return naive_average_pool_backward(layer, d);
    case nn::LayerKind::kGroupNorm: return naive_group_norm_backward(layer, w, x, d);
    case nn::LayerKind::kRational:
      for (std::size_t i = 0; i < x.size(); ++i) dx[i] = naive_rational_backward(layer, w, x[i], d[i]);
      break;
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
    case nn::LayerKind::kFlatten: dx = d; break;
  }
  return dx;
}

/// Gradients of one sample: the sums of the table "Gradients and updates". `gradient` spans all parameters.
inline void naive_gradient(const NaiveLayer& layer, const Numbers& w, const Numbers& x, const Numbers& d,
                           Numbers& gradient) {
  if (layer.spec.kind == nn::LayerKind::kRational) return naive_rational_gradient(layer, w, x, d, gradient);
  if (layer.spec.kind == nn::LayerKind::kDense) return naive_dense_gradient(layer, x, d, gradient);
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
  if (layer.spec.kind == nn::LayerKind::kDepthwiseConv2d) {
    naive_depthwise_gradient(layer, x, d, gradient);
  } else {
    naive_conv2d_gradient(layer, x, d, gradient);
  }
  naive_bias_gradient(layer, d, gradient);
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
    if (loss_ == nn::Loss::kMulticlassHinge) {
      std::size_t rival = label == 0 ? 1 : 0;
      for (std::size_t o = rival + 1; o < z.size(); ++o) rival = o != label && z[o] > z[rival] ? o : rival;
      const float margin = 1.0F + (z[rival] - z[label]);
      if (!(margin > 0)) return 0.0F * margin;
      d[label] = -1.0F;
      d[rival] = 1.0F;
      return margin;
    }
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
    float largest = 0.0F;
    const Numbers total = gradients(w, inputs, targets, largest);
    apply(w, rate, inputs.size(), total);
    return largest;
  }

  /// The sum of the gradients of all samples, and the largest loss.
  Numbers gradients(const Numbers& w, const std::vector<Numbers>& inputs, const std::vector<Numbers>& targets,
                    float& largest) const {
    Numbers total(parameters_, 0.0F);
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
    return total;
  }

  /// The step of a mini-batch of `count` samples.
  void apply(Numbers& w, float rate, std::size_t count, const Numbers& total) const {
    const float step = rate / static_cast<float>(count);
    for (const NaiveLayer& layer : layers_) {
      for_trainable(layer, [&](std::size_t e) { w[e] = w[e] - step * total[e]; });
    }
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
