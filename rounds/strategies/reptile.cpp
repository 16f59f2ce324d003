/// @file
/// `reptile`: mini-batches on the device, annealed outer step. Nichol, Achiam, Schulman, arXiv:1803.02999.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class Reptile final : public Strategy {
 public:
  using Strategy::Strategy;
};

}  // namespace

StrategyPointer make_reptile(const MetaConfig& config) { return std::make_unique<Reptile>(config); }

}  // namespace skink::rounds::internal
