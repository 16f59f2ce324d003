#include "skink/common/arithmetic/canary.hpp"

#include <float.h>

#include "skink/common/arithmetic/real.hpp"

namespace skink::arithmetic {
namespace {

using Traits = RealTraits<float>;

// Volatile: the compiler must compute at run time, with the control word of this thread.
float opaque(float value) noexcept {
  const volatile float hidden = value;
  return hidden;
}

bool same_bits(float a, float b) noexcept { return Traits::to_bits(a) == Traits::to_bits(b); }

}  // namespace

Canary check_floating_point() noexcept {
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
  return Canary::kExtraPrecision;
#else
  // Rounding first: another mode makes the other probes fail too.
  const float one = opaque(1.0F);
  const float half_ulp = opaque(5.9604644775390625e-8F);  // 2^-24
  const float ulp = opaque(1.1920928955078125e-7F);       // 2^-23
  const bool ties_to_even = same_bits(one + half_ulp, 1.0F) && same_bits((one + ulp) + half_ulp, 1.0F + 2 * ulp);
  const bool symmetric = same_bits(opaque(-1.0F) - half_ulp, -1.0F) && same_bits(one - half_ulp * 0.5F, 1.0F);
  if (!ties_to_even || !symmetric) return Canary::kWrongRounding;
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24; the last bit is lost by the product's own rounding, kept by a fused one.
  const float near_one = opaque(1.000244140625F);
  if (!same_bits(near_one * near_one + opaque(-1.00048828125F), 0.0F)) return Canary::kContracted;
  const float smallest = opaque(1.17549435e-38F);
  const float half = smallest * opaque(0.5F);
  if (Traits::to_bits(half) != 0x00400000U || !same_bits(half + half, smallest)) return Canary::kDenormalsLost;
  const float big = opaque(16777216.0F);
  if (!same_bits((one + big) - big, 0.0F)) return Canary::kReassociated;
  return Canary::kSound;
#endif
}

const char* canary_text(Canary canary) noexcept {
  switch (canary) {
    case Canary::kSound: return "floating point is sound";
    case Canary::kContracted: return "multiply and add are fused: build with -ffp-contract=off";
    case Canary::kDenormalsLost:
      return "denormal numbers are flushed to zero: by a library built with -ffast-math that changed the control word, "
             "or "
             "by floating point that is not the compiler's, as the RP2040's ROM has";
    case Canary::kWrongRounding: return "the rounding mode is not 'to nearest, half to even'";
    case Canary::kExtraPrecision: return "results carry extra precision: build for SSE2 or another binary32 unit";
    case Canary::kReassociated: return "sums are reassociated: build without -ffast-math";
  }
  return "unknown";
}

}  // namespace skink::arithmetic
