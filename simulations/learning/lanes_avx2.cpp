#define SKINK_ISA avx2
#define SKINK_ISA_NAME "avx2"
#define SKINK_LANES 8
#define SKINK_REGISTERS 16
#include "device_lanes.hpp"

namespace skink::simulations {

const LaneFunctions* avx2_lanes() { return &avx2::kFunctions; }

}  // namespace skink::simulations
