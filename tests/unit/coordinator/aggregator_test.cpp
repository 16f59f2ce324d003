#include "skink/coordinator/core/aggregator.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "skink/common/arithmetic/fixed_point.hpp"

using namespace skink;
using coordinator::Aggregator;

namespace {

/// dense 2 -> 1 with a frozen bias: parameters 0, 1 trainable, 2 not.
nn::Network small_network() {
  nn::LayerSpec dense;
  dense.kind = nn::LayerKind::kDense;
  dense.units = 1;
  dense.train_bias = false;
  nn::Network network;
  nn::BuildError error;
  const Span<const nn::LayerSpec> layers(&dense, 1);
  REQUIRE(nn::Network::build({1, 1, 2}, layers, nn::Loss::kMeanSquaredError, network, error) == Status::kOk);
  return network;
}

wire::Refusal add(Aggregator& aggregator, std::vector<float> change, std::uint32_t weight) {
  return aggregator.add({change.data(), change.size()}, weight);
}

std::vector<float> step(const Aggregator& aggregator, double rate, std::vector<float> parameters) {
  aggregator.step(rate, {parameters.data(), parameters.size()});
  return parameters;
}

}  // namespace

TEST_CASE("aggregation: the weighted mean moves trainable parameters only", "[coordinator][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, -2.0F, 5.0F}, 1) == wire::Refusal::kNone);
  REQUIRE(add(aggregator, {4.0F, 1.0F, 5.0F}, 2) == wire::Refusal::kNone);
  REQUIRE(aggregator.total_weight() == 3);
  REQUIRE(step(aggregator, 0.5, {10.0F, 20.0F, 30.0F}) == std::vector<float>{11.5F, 20.0F, 30.0F});
}

TEST_CASE("aggregation: arrival order does not change a bit", "[coordinator][aggregation][property]") {
  const auto seed = GENERATE(range(0U, 20U));
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0.0F, 3.0F);
  std::vector<std::vector<float>> changes(50, std::vector<float>(3));
  for (auto& change : changes) std::generate(change.begin(), change.end(), [&] { return values(random); });
  std::vector<std::size_t> order(changes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto aggregate = [&] {
    Aggregator aggregator(small_network());
    for (const std::size_t i : order) {
      REQUIRE(add(aggregator, changes[i], static_cast<std::uint32_t>(i % 7 + 1)) == wire::Refusal::kNone);
    }
    return step(aggregator, 0.3, {0.1F, 0.2F, 0.3F});
  };
  const std::vector<float> forwards = aggregate();
  std::shuffle(order.begin(), order.end(), random);
  REQUIRE(aggregate() == forwards);
}

TEST_CASE("aggregation: what cannot be summed is refused and leaves the sum alone", "[coordinator][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, 1.0F, 0.0F}, 1) == wire::Refusal::kNone);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(add(aggregator, {std::nanf(""), 0.0F, 0.0F}, 1) == wire::Refusal::kNotFinite);
  CHECK(add(aggregator, {0.0F, -infinity, 0.0F}, 1) == wire::Refusal::kNotFinite);
  CHECK(add(aggregator, {0.0F, 128.0F, 0.0F}, 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {-128.0F, 0.0F, 0.0F}, 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {0.0F, 0.0F, 0.0F}, arithmetic::kMaxTotalWeight - 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {127.99999F, 0.0F, 0.0F}, arithmetic::kMaxTotalWeight - 2) == wire::Refusal::kNone);
  CHECK(aggregator.updates() == 2);
}

TEST_CASE("aggregation: a change of too large a norm is scaled down to it", "[coordinator][aggregation]") {
  Aggregator aggregator(small_network(), 5.0);
  REQUIRE(add(aggregator, {30.0F, 40.0F, 0.0F}, 1) == wire::Refusal::kNone);  // to 3, 4
  REQUIRE(add(aggregator, {3.0F, -4.0F, 0.0F}, 1) == wire::Refusal::kNone);   // as it is
  REQUIRE(add(aggregator, {0.0F, 0.0F, 0.0F}, 1) == wire::Refusal::kNone);
  CHECK(aggregator.updates() == 3);
  const std::vector<float> phi = step(aggregator, 3.0, {0.0F, 0.0F, 0.0F});
  CHECK(phi[0] == Approx(6.0));
  CHECK(phi[1] == Approx(0.0).margin(1e-5));
}

TEST_CASE("aggregation: a round without updates leaves the model alone", "[coordinator][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, 1.0F, 0.0F}, 1) == wire::Refusal::kNone);
  aggregator.reset();
  REQUIRE(step(aggregator, 1.0, {1.0F, 2.0F, 3.0F}) == std::vector<float>{1.0F, 2.0F, 3.0F});
}
