#pragma once
/// @file
/// SKINK_UNROLL before a loop over a constant count repeats its body, so that small arrays live in registers; at -O2
/// GCC would not. SKINK_UNROLL_BY_4 is for loops over any count.

#include <stddef.h>

namespace skink::nn::kernels {

/// Columns that a dense layer's backward pass takes at a time: with and without an input gradient. A tile that spills
/// its registers is slow; a number type with other registers specialises these.
template <class Real>
inline constexpr size_t kBackwardTile = 8;
template <class Real>
inline constexpr size_t kUpdateTile = 16;
/// Filters, and inputs, that a convolution takes at a time. On a Cortex-M4 4 and 2 would save 15 % of the instructions
/// for 1.3 KB of code.
template <class Real>
inline constexpr size_t kConvolutionTile = 1;
template <class Real>
inline constexpr size_t kPixelTile = 1;

/// Divides places by a stride, rounding down, for the kernels of a number type. stride: at least 1. Where a division
/// takes as long as many steps of a kernel, a type specialises it.
template <class Real>
inline size_t strides_in(size_t place, size_t stride) noexcept {
  return place / stride;
}

}  // namespace skink::nn::kernels

#if defined(__clang__)
#define SKINK_UNROLL _Pragma("unroll")
#define SKINK_UNROLL_BY_4 _Pragma("unroll(4)")
#elif defined(__GNUC__)
#define SKINK_UNROLL _Pragma("GCC unroll 16")
#define SKINK_UNROLL_BY_4 _Pragma("GCC unroll 4")
#else
#define SKINK_UNROLL
#define SKINK_UNROLL_BY_4
#endif
