/// @file
/// `fomaml`: first-order MAML. A device adapts to its support set and sends a step along the gradient of its query set
/// there. Finn, Abbeel, Levine, arXiv:1703.03400, section 5.2; in a fleet as Chen et al., arXiv:1802.07876.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class Fomaml final : public Strategy {
 public:
  using Strategy::Strategy;
};

}  // namespace

StrategyPointer make_fomaml(const MetaConfig& config) { return std::make_unique<Fomaml>(config); }

}  // namespace skink::rounds::internal
