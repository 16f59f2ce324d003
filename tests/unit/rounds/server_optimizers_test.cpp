/// @file
/// Outer steps that keep something between rounds, against numbers computed by hand.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "skink/rounds/meta_model.hpp"
#include "skink/rounds/strategy.hpp"
#include "unit/rounds/rounds_fixture.hpp"

using namespace skink;
using rounds::make_strategy;
using rounds::StrategyState;
using test::small_network;

namespace {

MetaConfig config(StrategyKind kind) { return test::meta_config(kind, 0.5, 0.5); }

/// Mean changes of the two trainable parameters, and of the frozen one, which must not matter.
class Steps {
 public:
  explicit Steps(const MetaConfig& meta)
      : strategy_(make_strategy(meta)), network_(small_network()), state(strategy_->initial_state(network_)) {}

  void step(double first, double second) {
    const auto fixed = [](double mean) { return static_cast<std::int64_t>(3 * mean * 68719476736.0); };
    const std::int64_t sums[] = {fixed(first), fixed(second), fixed(0.5)};
    strategy_->step(network_, {0.5, {sums, 3}, 3}, state, {phi, 3});
  }
  const rounds::Strategy& strategy() const { return *strategy_; }

 private:
  std::unique_ptr<rounds::Strategy> strategy_;
  nn::Network network_;

 public:
  StrategyState state;
  float phi[3] = {1.0F, -2.0F, 7.0F};
};

std::vector<std::uint8_t> saved(const Steps& steps) { return steps.strategy().save(steps.state); }

}  // namespace

TEST_CASE("fedavgm: v decays by the momentum, and phi follows it", "[rounds][strategy]") {
  MetaConfig meta = config(StrategyKind::kFedAvgM);
  meta.server_momentum = 0.5;
  Steps steps(meta);
  steps.step(0.25, -0.5);
  CHECK(steps.state == StrategyState{0.25, -0.5});
  CHECK(steps.phi[0] == 1.125F);
  CHECK(steps.phi[1] == -2.25F);
  steps.step(0.0, 0.25);
  CHECK(steps.state == StrategyState{0.125, 0.0});
  CHECK(steps.phi[0] == 1.1875F);
  CHECK(steps.phi[1] == -2.25F);
  CHECK(steps.phi[2] == 7.0F);  // frozen
}

TEST_CASE("fedadam: m and v decay, and v begins at tau squared", "[rounds][strategy]") {
  MetaConfig meta = config(StrategyKind::kFedAdam);
  meta.beta1 = 0.5;
  meta.beta2 = 0.75;
  meta.tau = 0.5;
  Steps steps(meta);
  CHECK(steps.state == StrategyState{0.0, 0.0, 0.25, 0.25});
  steps.step(1.0, 0.5);
  // m = 0.5, 0.25; v = 0.75 * 0.25 + 0.25 * 1 = 0.4375, 0.75 * 0.25 + 0.25 * 0.25 = 0.25
  CHECK(steps.state == StrategyState{0.5, 0.25, 0.4375, 0.25});
  CHECK(steps.phi[0] == static_cast<float>(1.0 + 0.25 / (std::sqrt(0.4375) + 0.5)));
  CHECK(steps.phi[1] == -1.875F);  // -2 + 0.125 / (0.5 + 0.5)
  CHECK(steps.phi[2] == 7.0F);
}

TEST_CASE("fedyogi: v goes towards the square by a part of the square", "[rounds][strategy]") {
  MetaConfig meta = config(StrategyKind::kFedYogi);
  meta.beta1 = 0.5;
  meta.beta2 = 0.75;
  meta.tau = 0.5;
  Steps steps(meta);
  steps.step(1.0, 0.25);
  // squares 1 and 0.0625: v = 0.25 + 0.25 * 1, 0.25 - 0.25 * 0.0625
  CHECK(steps.state == StrategyState{0.5, 0.125, 0.5, 0.234375});
  CHECK(steps.phi[0] == static_cast<float>(1.0 + 0.25 / (std::sqrt(0.5) + 0.5)));
  steps.state = {0.0, 0.0, 0.25, 0.25};
  steps.step(0.5, -0.5);  // v is the square: it stays
  CHECK(steps.state == StrategyState{0.25, -0.25, 0.25, 0.25});
}

TEST_CASE("server optimizers: they adapt and weigh as fedavg does, and keep the rate", "[rounds][strategy]") {
  const auto kind = GENERATE(StrategyKind::kFedAvgM, StrategyKind::kFedAdam, StrategyKind::kFedYogi);
  const auto strategy = make_strategy(config(kind));
  CHECK(strategy->inner_loop().batch_size == 4);
  CHECK(strategy->aggregation_weight(32) == 32);
  CHECK(strategy->meta_learning_rate(7) == 0.5);
  CHECK_FALSE(strategy->steps_plainly());
}

TEST_CASE("server optimizers: what they keep is saved, and restored by the same strategy only", "[rounds][strategy]") {
  const auto kind = GENERATE(StrategyKind::kFedAvgM, StrategyKind::kFedAdam, StrategyKind::kFedYogi);
  Steps steps(config(kind));
  steps.step(0.3, -0.7);
  const std::vector<std::uint8_t> bytes = saved(steps);
  Steps other(config(kind));
  REQUIRE(other.strategy().restore({bytes.data(), bytes.size()}, other.state));
  CHECK(other.state == steps.state);

  const StrategyState before = other.state;
  const auto is_refused = [&other](const std::vector<std::uint8_t>& wrong) {
    return !other.strategy().restore({wrong.data(), wrong.size()}, other.state);
  };
  CHECK(is_refused({}));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK(is_refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)}));
  }
  for (const std::size_t place : {0U, 1U, 2U}) {  // version, length of the name, name
    std::vector<std::uint8_t> wrong = bytes;
    ++wrong[place];
    CHECK(is_refused(wrong));
  }
  std::vector<std::uint8_t> infinite = bytes;
  infinite[infinite.size() - 1] = 0x7f;
  infinite[infinite.size() - 2] = 0xf0;
  CHECK(is_refused(infinite));
  CHECK(other.state == before);
}

TEST_CASE("strategies: one that keeps nothing saves nothing and takes nothing else", "[rounds][strategy]") {
  const auto kind = GENERATE(StrategyKind::kTinyReptile, StrategyKind::kReptile, StrategyKind::kFedAvg);
  Steps steps(config(kind));
  CHECK(steps.strategy().steps_plainly());
  CHECK(saved(steps).empty());
  steps.step(0.25, 0.5);
  CHECK(steps.phi[0] == 1.125F);
  CHECK(steps.phi[2] == 7.0F);
  const std::uint8_t byte = 1;
  CHECK(steps.strategy().restore({}, steps.state));
  CHECK_FALSE(steps.strategy().restore({&byte, 1}, steps.state));
}

TEST_CASE("meta model: a round without any update moves nothing, not even the momentum", "[rounds][strategy]") {
  const auto experiment = parse_experiment(R"(name = "still"
[model]
input = [1]
loss = "mean_squared_error"
layers = [{ type = "dense", units = 1 }]
[task]
source = "sine"
support_size = 2
[meta]
strategy = "fedavgm"
rounds = 3
inner_learning_rate = 0.1
[fleet]
devices = 1
)",
                                           "still.toml");
  REQUIRE(experiment.has_value());
  rounds::MetaModel model(*experiment);
  const std::int64_t sums[] = {1LL << 36, -(1LL << 35)};
  (void)model.step(0, {sums, 2}, 1);
  const auto state = model.strategy_state();
  const auto phi = model.parameters();
  (void)model.step(1, {sums, 2}, 0);
  CHECK(model.strategy_state() == state);
  CHECK(model.parameters() == phi);
  (void)model.step(2, {sums, 2}, 1);
  CHECK(model.strategy_state() != state);
}
