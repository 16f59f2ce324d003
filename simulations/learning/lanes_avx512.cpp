#define SKINK_ISA avx512
#define SKINK_ISA_NAME "avx512"
#define SKINK_LANES 16
#define SKINK_REGISTERS 32
#include "lane_functions.hpp"

namespace skink::simulations {

const LaneFunctions* avx512_lanes() {
  static const LaneFunctions functions = avx512::lane_functions();
  return &functions;
}

}  // namespace skink::simulations
