#define SKINK_ISA avx2
#define SKINK_ISA_NAME "avx2"
#define SKINK_LANES 8
#define SKINK_REGISTERS 16
#include "lane_functions.hpp"

namespace skink::simulations {

const LaneFunctions* avx2_lanes() {
  static const LaneFunctions functions = avx2::lane_functions();
  return &functions;
}

}  // namespace skink::simulations
