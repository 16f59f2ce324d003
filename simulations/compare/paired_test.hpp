#pragma once
/// @file
/// Two arms measured on the same units: what differs, and whether chance alone would do that.

#include <cstddef>
#include <vector>

#include "skink/rounds/records.hpp"

namespace skink::simulations {

/// Differences of pairs, second - first.
struct PairedTest {
  rounds::Spread difference;  ///< mean, half of a 95 % interval by Student's t
  std::size_t higher = 0;     ///< pairs whose second is higher
  std::size_t lower = 0;
  double wilcoxon = rounds::kNotMeasured;  ///< two-sided p of the signed-rank test; NaN without a pair that differs
  double sign = rounds::kNotMeasured;      ///< likewise of the sign test
};

/// Wilcoxon's signed-rank test (F. Wilcoxon, Biometrics Bulletin 1, 1945): pairs without a difference are left out,
/// ties share the mean of their ranks. Up to 200 pairs the distribution is counted, with the ranks that there are;
/// beyond, it is the normal approximation with the ties' variance and half a step of continuity.
double wilcoxon_p(const std::vector<double>& differences);

/// The sign test: exact, binomial; pairs without a difference are left out.
double sign_test_p(std::size_t higher, std::size_t lower);

/// @param[in] differences  of pairs
/// @param[in] largest      the largest size of what was subtracted: differences within 1e-7 of it are the same, so that
///                         ties are those of the figures, not of their rounding
PairedTest paired_test(const std::vector<double>& differences, double largest);

}  // namespace skink::simulations
