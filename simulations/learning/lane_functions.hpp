/// @file
/// The table of lanes.hpp for one instruction set; see pack.hpp for how this is included.

#include "device_lanes.hpp"
#include "neuron_images.hpp"
#include "neuron_lanes.hpp"

namespace skink::simulations::SKINK_ISA {

/// As many independent sums as hide the latency of a multiplication and an addition.
static uint64_t peak(uint64_t loops) noexcept {
  constexpr size_t kSums = SKINK_REGISTERS >= 32 ? 16 : 12;
  volatile float factor = 0.5F;  // so that nothing is computed beforehand
  const Pack a = Traits::broadcast(factor);
  const Pack b = Traits::broadcast(factor + 0.5F);
  Pack sums[kSums];
  for (Pack& sum : sums) sum = Traits::broadcast(factor);
  for (uint64_t i = 0; i < loops; ++i) {
    SKINK_UNROLL
    for (size_t k = 0; k < kSums; ++k) sums[k] = sums[k] * a + b;
  }
  volatile float sink = 0;
  for (const Pack& sum : sums) {
    float numbers[kLanes];
    memcpy(numbers, &sum, sizeof numbers);
    sink = sink + numbers[0];
  }
  return loops * kSums * 2 * kLanes;
}

static LaneFunctions lane_functions() noexcept {
  LaneFunctions functions;
  functions.name = SKINK_ISA_NAME;
  functions.lanes = kLanes;
  functions.sum_lanes = kSumLanes;
  functions.adapt = &adapt;
  functions.query_gradient = &query_gradient;
  functions.step_from_phi = &step_from_phi;
  functions.query = &query;
  functions.orders = &orders;
  functions.sines = &sines;
  functions.take = &take;
  functions.neuron_adapt = &neuron_adapt;
  functions.neuron_query = &neuron_query;
  functions.image_check = &image_check;
  functions.image_take = &image_take;
  functions.image_step = &image_step;
  functions.peak = &peak;
  functions.spread = &spread;
  return functions;
}

}  // namespace skink::simulations::SKINK_ISA
