#define SKINK_ISA scalar
#define SKINK_ISA_NAME "scalar"
#define SKINK_LANES 1
#define SKINK_REGISTERS 16
#include "lane_functions.hpp"

namespace skink::simulations {

const LaneFunctions* scalar_lanes() {
  static const LaneFunctions functions = scalar::lane_functions();
  return &functions;
}

}  // namespace skink::simulations
