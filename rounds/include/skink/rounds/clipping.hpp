#pragma once
/// @file
/// Clipping of a change by its norm: one odd device cannot move the model further than others. docs/arithmetic.md,
/// section 8.

#include <cstdint>

#include "skink/common/span.hpp"

namespace skink::rounds {

/// How the changes of one round are clipped.
struct Clip {
  double bound = 0;  ///< longer ones are scaled down to it; 0: none is
  double usual = 0;  ///< the running norm: how many were longer is counted; 0: it is not
  double most = 0;   ///< longer ones weigh nothing; 0: all weigh
};

/// The norm that half of the changes of late exceed, as well as one number that follows them by a fifth a round can
/// tell. One device counts in it once, however long its change is. docs/arithmetic.md, section 8.
class RunningNorm {
 public:
  /// @param[in] beginning  before the first round
  explicit RunningNorm(double beginning);
  double value() const { return value_; }
  /// @param[in] updates  that a round took; 0: nothing changes
  /// @param[in] longer   of these, whose norm was above value()
  void follow(std::uint32_t updates, std::uint32_t longer);
  /// @returns false, and stays as it is: this is no value of a running norm.
  bool restore(double value);

 private:
  double value_;
};

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
