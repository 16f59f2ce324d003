#pragma once
/// @file
/// The layers of naive.hpp that slide a window over their input. Gradients are added to `gradient`, which spans all
/// parameters.

#include <vector>

#include "naive_layer.hpp"

namespace skink::test {

inline Numbers naive_conv2d_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  Numbers y(layer.out.size());
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = w[layer.b + k % static_cast<std::size_t>(layer.units)];
  for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int ci = 0; ci < layer.in.channels; ++ci) {
      for (int f = 0; f < layer.units; ++f) {
        float& sum = y[layer.y_at(oy, ox, f)];
        sum = sum + w[layer.w_at(f, ky, kx, ci)] * x[layer.x_at(iy, ix, ci)];
      }
    }
  });
  return y;
}

inline Numbers naive_conv2d_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& d) {
  Numbers dx(layer.in.size());
  for_inputs(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int f = 0; f < layer.units; ++f) {
      for (int ci = 0; ci < layer.in.channels; ++ci) {
        float& sum = dx[layer.x_at(iy, ix, ci)];
        sum = sum + w[layer.w_at(f, ky, kx, ci)] * d[layer.y_at(oy, ox, f)];
      }
    }
  });
  return dx;
}

/// Adds to the gradients of the weights.
inline void naive_conv2d_gradient(const NaiveLayer& layer, const Numbers& x, const Numbers& d, Numbers& gradient) {
  for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int f = 0; f < layer.units; ++f) {
      for (int ci = 0; ci < layer.in.channels; ++ci) {
        float& sum = gradient[layer.w_at(f, ky, kx, ci)];
        sum = sum + d[layer.y_at(oy, ox, f)] * x[layer.x_at(iy, ix, ci)];
      }
    }
  });
}

inline Numbers naive_depthwise_forward(const NaiveLayer& layer, const Numbers& w, const Numbers& x) {
  Numbers y(layer.out.size());
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = w[layer.b + k % static_cast<std::size_t>(layer.in.channels)];
  for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int c = 0; c < layer.in.channels; ++c) {
      float& sum = y[layer.y_at(oy, ox, c)];
      sum = sum + w[layer.depthwise_at(ky, kx, c)] * x[layer.x_at(iy, ix, c)];
    }
  });
  return y;
}

inline Numbers naive_depthwise_backward(const NaiveLayer& layer, const Numbers& w, const Numbers& d) {
  Numbers dx(layer.in.size());
  for_inputs(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int c = 0; c < layer.in.channels; ++c) {
      float& sum = dx[layer.x_at(iy, ix, c)];
      sum = sum + w[layer.depthwise_at(ky, kx, c)] * d[layer.y_at(oy, ox, c)];
    }
  });
  return dx;
}

/// Adds to the gradients of the weights.
inline void naive_depthwise_gradient(const NaiveLayer& layer, const Numbers& x, const Numbers& d, Numbers& gradient) {
  for_taps(layer, [&](int oy, int ox, int ky, int kx, int iy, int ix) {
    for (int c = 0; c < layer.units; ++c) {
      float& sum = gradient[layer.depthwise_at(ky, kx, c)];
      sum = sum + d[layer.y_at(oy, ox, c)] * x[layer.x_at(iy, ix, c)];
    }
  });
}

/// Adds to the gradients of the bias of a convolution.
inline void naive_bias_gradient(const NaiveLayer& layer, const Numbers& d, Numbers& gradient) {
  for (std::size_t k = 0; k < d.size(); ++k) {
    float& sum = gradient[layer.b + k % static_cast<std::size_t>(layer.units)];
    sum = sum + d[k];
  }
}

inline Numbers naive_max_pool_forward(const NaiveLayer& layer, const Numbers& x) {
  Numbers y(layer.out.size());
  std::vector<bool> started(y.size());
  for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
    for (int c = 0; c < layer.in.channels; ++c) {
      const std::size_t k = layer.y_at(oy, ox, c);
      const float v = x[layer.x_at(iy, ix, c)];
      y[k] = !started[k] || v > y[k] ? v : y[k];
      started[k] = true;
    }
  });
  return y;
}

inline Numbers naive_max_pool_backward(const NaiveLayer& layer, const Numbers& x, const Numbers& y, const Numbers& d) {
  Numbers dx(x.size());
  std::vector<bool> taken(y.size());
  for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
    for (int c = 0; c < layer.in.channels; ++c) {
      const std::size_t k = layer.y_at(oy, ox, c);
      if (taken[k] || x[layer.x_at(iy, ix, c)] != y[k]) continue;
      taken[k] = true;
      dx[layer.x_at(iy, ix, c)] = d[k];
    }
  });
  return dx;
}

inline Numbers naive_average_pool_forward(const NaiveLayer& layer, const Numbers& x) {
  Numbers y(layer.out.size());
  std::vector<int> taps(y.size());
  for_taps(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
    for (int c = 0; c < layer.in.channels; ++c) {
      const std::size_t k = layer.y_at(oy, ox, c);
      y[k] = y[k] + x[layer.x_at(iy, ix, c)];
      ++taps[k];
    }
  });
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = y[k] * (1.0F / static_cast<float>(taps[k]));
  return y;
}

inline Numbers naive_average_pool_backward(const NaiveLayer& layer, const Numbers& d) {
  Numbers dx(layer.in.size());
  for_inputs(layer, [&](int oy, int ox, int /*ky*/, int /*kx*/, int iy, int ix) {
    const float factor = 1.0F / static_cast<float>(taps_of(layer, oy, ox));
    for (int c = 0; c < layer.in.channels; ++c) {
      float& sum = dx[layer.x_at(iy, ix, c)];
      sum = sum + d[layer.y_at(oy, ox, c)] * factor;
    }
  });
  return dx;
}

}  // namespace skink::test
