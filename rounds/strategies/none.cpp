/// @file
/// `none`: nothing is trained, so that evaluations score the initialization. The arm against which others are judged.

#include "makers.hpp"

namespace skink::rounds::internal {
namespace {

class None final : public Strategy {
 public:
  using Strategy::Strategy;
};

}  // namespace

StrategyPointer make_none(const MetaConfig& config) { return std::make_unique<None>(config); }

}  // namespace skink::rounds::internal
