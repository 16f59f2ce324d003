#define SKINK_ISA neon
#define SKINK_ISA_NAME "neon"
#define SKINK_LANES 4
#define SKINK_REGISTERS 32
#include "device_lanes.hpp"

namespace skink::simulations {

const LaneFunctions* neon_lanes() { return &neon::kFunctions; }

}  // namespace skink::simulations
