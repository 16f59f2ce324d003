#pragma once
/// @file
/// Clipping of a change by its norm: one odd device cannot move the model further than others. docs/arithmetic.md,
/// section 8.

#include "skink/common/span.hpp"

namespace skink::rounds {

/// What a change is multiplied by so that its L2 norm over all parameters is at most `clip_norm`, but for rounding:
/// 1 if it is already. The squares are added up in double, in ascending order.
///
/// @param[in] change     [P], finite
/// @param[in] clip_norm  0: no clipping
float clipping_factor(Span<const float> change, double clip_norm);

/// The same from the sum of the squares.
float clipping_factor(double squares, double clip_norm);

/// Adds the squares of the next numbers of a change.
double add_squares(double squares, Span<const float> numbers);

}  // namespace skink::rounds
