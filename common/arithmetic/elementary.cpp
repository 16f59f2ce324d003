#include "skink/common/arithmetic/elementary.hpp"

#include "skink/common/arithmetic/elementary_templates.hpp"

namespace skink::arithmetic {

float exp(float x) noexcept { return generic::exp(x); }
float log(float x) noexcept { return generic::log(x); }
float tanh(float x) noexcept { return generic::tanh(x); }
float sin(float x) noexcept { return generic::sin(x); }
float cos(float x) noexcept { return generic::cos(x); }
float sqrt(float x) noexcept { return RealTraits<float>::sqrt(x); }

}  // namespace skink::arithmetic
