#include "skink/rounds/strategy.hpp"

#include <catch2/catch.hpp>

#include "unit/rounds/rounds_fixture.hpp"

using namespace skink;
using rounds::make_strategy;

namespace {

MetaConfig config(StrategyKind kind) { return test::meta_config(kind, 0.8, 0.3); }

}  // namespace

TEST_CASE("strategy: tinyreptile adapts online and anneals its step", "[rounds][strategy]") {
  const auto strategy = make_strategy(config(StrategyKind::kTinyReptile));
  CHECK(strategy->inner_loop().batch_size == 1);
  CHECK(strategy->inner_loop().passes == 3);
  CHECK(strategy->meta_learning_rate(0) == 0.8);
  CHECK(strategy->meta_learning_rate(5) == 0.8 + (0.3 - 0.8) * 0.5);
  CHECK(strategy->meta_learning_rate(9) == 0.8 + (0.3 - 0.8) * (9.0 / 10.0));
  CHECK(strategy->aggregation_weight(32) == 1);
}

TEST_CASE("strategy: reptile adapts in mini-batches", "[rounds][strategy]") {
  const auto strategy = make_strategy(config(StrategyKind::kReptile));
  CHECK(strategy->inner_loop().batch_size == 4);
  CHECK(strategy->meta_learning_rate(5) == 0.8 + (0.3 - 0.8) * 0.5);
  CHECK(strategy->aggregation_weight(32) == 1);
}

TEST_CASE("strategy: fedavg weighs by samples", "[rounds][strategy]") {
  const auto strategy = make_strategy(config(StrategyKind::kFedAvg));
  CHECK(strategy->meta_learning_rate(5) == 0.8 + (0.3 - 0.8) * 0.5);
  CHECK(strategy->aggregation_weight(32) == 32);
  CHECK(strategy->aggregation_weight(0) == 1);
}
