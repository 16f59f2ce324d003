/// @file
/// `tinyreptile`: online SGD on the device, annealed outer step; a cohort of 1 is the serial algorithm. Ren, Anicic,
/// Runkler, arXiv:2304.05201.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class TinyReptile final : public Strategy {
 public:
  using Strategy::Strategy;
  InnerLoop inner_loop() const override { return {config().inner_learning_rate, config().passes, 1}; }
};

}  // namespace

StrategyPointer make_tinyreptile(const MetaConfig& config) { return std::make_unique<TinyReptile>(config); }

}  // namespace skink::rounds::internal
