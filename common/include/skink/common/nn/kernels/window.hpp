#pragma once
/// @file
/// Which cells of an image a kernel covers: convolutions and pools. Orders and in-place rules: all_kernels.hpp.

#include <stddef.h>

#include "skink/common/nn/kernels/unroll.hpp"
#include "skink/common/nn/network.hpp"

namespace skink::nn::kernels {

/// The taps [begin, end) of one kernel axis, and where they lie in the input.
struct Taps {
  size_t begin;
  size_t end;
  size_t origin;  ///< input coordinate of tap t is origin + t - pad, never negative for t in [begin, end)
};

/// The taps of the output at `out`, along one axis, that lie inside the image. kernel, stride >= 1; pad and in are
/// those of a LayerPlan, so at least one tap is inside.
inline Taps taps_inside(size_t out, size_t stride, size_t kernel, size_t pad, size_t in) noexcept {
  const size_t origin = out * stride;
  const size_t begin = origin < pad ? pad - origin : 0;
  const size_t limit = in + pad - origin;  // the first tap beyond the image; origin < in + pad always
  return {begin, limit < kernel ? limit : kernel, origin};
}

/// The output, along one axis, whose tap `tap` lies on `input`: input + pad = out * stride + tap. At most one. False
/// when there is none; `out` is then unspecified.
inline bool output_of(size_t input, size_t pad, size_t tap, size_t stride, size_t outputs, size_t& out) noexcept {
  if (input + pad < tap) return false;
  const size_t distance = input + pad - tap;
  out = distance / stride;
  return distance % stride == 0 && out < outputs;
}

/// Outputs [begin, end) along one axis; none when end <= begin.
struct Outputs {
  size_t begin;
  size_t end;
};

/// The outputs, along one axis, whose tap `tap` lies inside the image. in, outputs: extents of the input and the
/// output.
inline Outputs outputs_with(size_t tap, size_t stride, size_t pad, size_t in, size_t outputs) noexcept {
  const size_t begin = tap < pad ? (pad - tap + stride - 1) / stride : 0;
  const size_t limit = in + pad > tap ? (in + pad - tap + stride - 1) / stride : 0;
  return {begin, limit < outputs ? limit : outputs};
}

/// The taps, along one axis, by which `input` contributes to an output: begin, begin + stride, ... below end. The
/// output of tap t is (origin - t) / stride, with origin = input + pad.
template <class Real>
inline Taps taps_to_outputs(size_t input, size_t pad, size_t stride, size_t kernel, size_t outputs) noexcept {
  const size_t place = input + pad;
  size_t begin = place % stride;
  while (begin <= place && strides_in<Real>(place - begin, stride) >= outputs)
    begin += stride;  // beyond the last output
  return {begin, kernel <= place ? kernel : place + 1, place};
}

/// How many inputs, the first with these taps and the others each `stride` further, contribute by the same taps, were
/// the image as wide as that: at least 1.
template <class Real>
inline size_t inputs_with(const Taps& taps, size_t stride, size_t kernel, size_t outputs) noexcept {
  if (taps.begin >= taps.end || taps.end < kernel) return 1;  // it has none, or the next one has more
  return outputs - strides_in<Real>(taps.origin - taps.begin, stride);
}

/// Does any window cover input coordinate `in`? For windows that do not overlap: stride >= kernel.
inline bool is_in_window(size_t in, size_t pad, size_t stride, size_t kernel, size_t outputs) noexcept {
  return (in + pad) / stride < outputs && (in + pad) % stride < kernel;
}

/// What one window covers inside the image.
struct Window {
  size_t pixel;    ///< the first one, row-major
  size_t tap;      ///< the tap on it, row-major in the kernel
  size_t rows;     ///< taps inside, and pixels below one another
  size_t columns;  ///< taps inside, and pixels side by side
};

/// The window of the output at `position`, row-major.
Window window_at(const LayerPlan& plan, size_t position) noexcept;

}  // namespace skink::nn::kernels
