#pragma once
/// @file
/// The shape of a layer of naive.hpp, and its windows tap by tap.

#include <cstddef>
#include <cstdint>
#include <vector>

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

}  // namespace skink::test
