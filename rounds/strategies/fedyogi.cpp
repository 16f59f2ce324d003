/// @file
/// `fedyogi`: FedAvg with Yogi at the coordinator, without bias correction. arXiv:2003.00295.

#include "adaptive.hpp"
#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

struct YogiSecond {
  /// v - (1 - beta2) * square * sign(v - square), without the products by a sign.
  static double next(double v, double square, double beta2) {
    const double part = (1.0 - beta2) * square;
    return v > square ? v - part : square > v ? v + part : v;
  }
};

}  // namespace

StrategyPointer make_fedyogi(const MetaConfig& config) { return std::make_unique<Adaptive<YogiSecond>>(config); }

}  // namespace skink::rounds::internal
