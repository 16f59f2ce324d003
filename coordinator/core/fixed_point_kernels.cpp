#include "fixed_point_kernels.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::coordinator {
namespace {

using Traits = arithmetic::RealTraits<float>;

}  // namespace

bool are_aggregatable(Span<const float> numbers) noexcept {
  std::int32_t largest = 0;
  for (const float number : numbers) {
    const auto magnitude = static_cast<std::int32_t>(Traits::to_bits(number) & 0x7fffffffU);
    largest = largest > magnitude ? largest : magnitude;
  }
  return static_cast<std::uint32_t>(largest) < Traits::to_bits(arithmetic::kMaxChange);
}

void add_fixed_point(Span<const float> numbers, float factor, std::int64_t weight, std::int64_t* sums) noexcept {
  const std::size_t count = numbers.size();
  const float* x = numbers.data();
  if (weight == 1 && factor == 1.0F) {
    for (std::size_t i = 0; i < count; ++i) sums[i] += arithmetic::to_fixed_point(x[i]);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) sums[i] += arithmetic::to_fixed_point(x[i] * factor) * weight;
}

}  // namespace skink::coordinator
