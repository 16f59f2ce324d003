/// @file
/// `fedadam`: FedAvg with Adam at the coordinator, without bias correction. arXiv:2003.00295.

#include "adaptive.hpp"
#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

struct AdamSecond {
  static double next(double v, double square, double beta2) { return beta2 * v + (1.0 - beta2) * square; }
};

}  // namespace

StrategyPointer make_fedadam(const MetaConfig& config) { return std::make_unique<Adaptive<AdamSecond>>(config); }

}  // namespace skink::rounds::internal
