#pragma once
/// @file
/// Which cells of an image a kernel covers: convolutions and pools. Orders and in-place rules: kernels.hpp.

#include <stddef.h>

#include "skink/common/nn/network.hpp"

namespace skink::nn::internal {

/// The input cells [begin, end) of one kernel axis that lie inside the image, for the output at `out`.
struct Taps {
  size_t begin;
  size_t end;
  size_t origin;  ///< input coordinate of tap t is origin + t - pad, never negative for t in [begin, end)
};

inline Taps taps_inside(size_t out, size_t stride, size_t kernel, size_t pad, size_t in) noexcept {
  const size_t origin = out * stride;
  const size_t begin = origin < pad ? pad - origin : 0;
  const size_t limit = in + pad - origin;  // the first tap beyond the image; origin < in + pad always
  return {begin, limit < kernel ? limit : kernel, origin};
}

/// The output, along one axis, that tap `tap` joins to `input`: input + pad = out * stride + tap. At most one.
inline bool output_of(size_t input, size_t pad, size_t tap, size_t stride, size_t outputs, size_t& out) noexcept {
  if (input + pad < tap) return false;
  const size_t distance = input + pad - tap;
  out = distance / stride;
  return distance % stride == 0 && out < outputs;
}

/// Does any window cover input coordinate `in`? Windows do not overlap.
inline bool is_in_window(size_t in, size_t pad, size_t stride, size_t kernel, size_t outputs) noexcept {
  return (in + pad) / stride < outputs && (in + pad) % stride < kernel;
}

/// Visits the outputs of a pooling or channelwise layer in their order in memory: visit(rows, columns, channel,
/// output).
template <class Cell, class Visit>
void for_each_window(const LayerPlan& plan, Cell* y, const Visit& visit) noexcept {
  const LayerSpec& spec = plan.spec;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      for (size_t c = 0; c < plan.in.channels; ++c) visit(rows, columns, c, *y++);
    }
  }
}

}  // namespace skink::nn::internal
