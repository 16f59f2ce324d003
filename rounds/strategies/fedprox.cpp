/// @file
/// `fedprox`: FedAvg whose devices are pulled towards what they received. Li et al., arXiv:1812.06127, equation 2, in
/// the sequential form of docs/arithmetic.md, section 7.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class FedProx final : public Strategy {
 public:
  using Strategy::Strategy;
  InnerLoop inner_loop() const override {
    InnerLoop loop = Strategy::inner_loop();
    loop.proximal = static_cast<float>(config().proximal);
    return loop;
  }
};

}  // namespace

StrategyPointer make_fedprox(const MetaConfig& config) { return std::make_unique<FedProx>(config); }

}  // namespace skink::rounds::internal
