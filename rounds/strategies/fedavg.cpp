/// @file
/// `fedavg`: mini-batches on the device, updates weighted by support samples, constant outer step. McMahan et al.,
/// arXiv:1602.05629; the baseline without meta-learning.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class FedAvg final : public Strategy {
 public:
  using Strategy::Strategy;
};

}  // namespace

StrategyPointer make_fedavg(const MetaConfig& config) { return std::make_unique<FedAvg>(config); }

}  // namespace skink::rounds::internal
