#include "sweep_memory.hpp"

#include <cstring>

namespace skink::simulations {
namespace {

inline __attribute__((always_inline)) void sweep(Span<const float> numbers, std::int64_t* __restrict sums) noexcept {
  const float* from = numbers.data();
  const std::size_t count = numbers.size();
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t bits = 0;
    std::memcpy(&bits, from + i, sizeof bits);
    sums[i] += bits;
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void sweep_avx2(Span<const float> numbers, std::int64_t* sums) noexcept {
  sweep(numbers, sums);
}
#endif

}  // namespace

void sweep_memory(Span<const float> numbers, std::int64_t* sums) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return sweep_avx2(numbers, sums);
#endif
  sweep(numbers, sums);
}

}  // namespace skink::simulations
