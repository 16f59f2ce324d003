/// @file
/// `central`: ordinary SGD on one machine over the pooled samples of all training devices, as a cohort of one whose
/// change is taken whole. What a fleet would learn if samples could leave their devices.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class Central final : public Strategy {
 public:
  using Strategy::Strategy;
};

}  // namespace

StrategyPointer make_central(const MetaConfig& config) { return std::make_unique<Central>(config); }

}  // namespace skink::rounds::internal
