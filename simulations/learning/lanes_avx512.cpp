#define SKINK_ISA avx512
#define SKINK_ISA_NAME "avx512"
#define SKINK_LANES 16
#define SKINK_REGISTERS 32
#include "device_lanes.hpp"

namespace skink::simulations {

const LaneFunctions* avx512_lanes() { return &avx512::kFunctions; }

}  // namespace skink::simulations
