#define SKINK_ISA scalar
#define SKINK_ISA_NAME "scalar"
#define SKINK_LANES 1
#define SKINK_REGISTERS 16
#include "device_lanes.hpp"

namespace skink::simulations {

const LaneFunctions* scalar_lanes() { return &scalar::kFunctions; }

}  // namespace skink::simulations
