#include "isa.hpp"

namespace skink::simulations {

std::vector<const LaneFunctions*> available_lanes() {
  std::vector<const LaneFunctions*> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  if (has_avx512) found.push_back(avx512_lanes());
  if (__builtin_cpu_supports("avx2")) found.push_back(avx2_lanes());
#elif defined(__aarch64__)
  found.push_back(neon_lanes());
#endif
  found.push_back(scalar_lanes());
  return found;
}

const LaneFunctions* find_lanes(const std::string& name) {
  for (const LaneFunctions* lanes : available_lanes()) {
    if (lanes->name == name) return lanes;
  }
  return nullptr;
}

}  // namespace skink::simulations
