#include "skink/common/arithmetic/elementary.hpp"

#include "skink/common/arithmetic/internal/elementary_templates.hpp"

namespace skink::arithmetic {

float exp(float x) noexcept { return internal::exp(x); }
float log(float x) noexcept { return internal::log(x); }
float tanh(float x) noexcept { return internal::tanh(x); }
float sin(float x) noexcept { return internal::sin(x); }
float cos(float x) noexcept { return internal::cos(x); }
float sqrt(float x) noexcept { return RealTraits<float>::sqrt(x); }

}  // namespace skink::arithmetic
