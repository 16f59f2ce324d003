/// @file
/// The tables of the instruction sets of this architecture.

#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

const LaneFunctions* scalar_lanes();
#if defined(__x86_64__)
const LaneFunctions* avx2_lanes();
const LaneFunctions* avx512_lanes();
#elif defined(__aarch64__)
const LaneFunctions* neon_lanes();
#endif

}  // namespace skink::simulations
