#define SKINK_ISA neon
#define SKINK_ISA_NAME "neon"
#define SKINK_LANES 4
#define SKINK_REGISTERS 32
#include "lane_functions.hpp"

namespace skink::simulations {

const LaneFunctions* neon_lanes() {
  static const LaneFunctions functions = neon::lane_functions();
  return &functions;
}

}  // namespace skink::simulations
