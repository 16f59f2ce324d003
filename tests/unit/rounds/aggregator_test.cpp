#include "skink/rounds/aggregator.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/host/program/workers.hpp"
#include "skink/rounds/strategy.hpp"
#include "unit/common/codec/codec_fixture.hpp"
#include "unit/rounds/rounds_fixture.hpp"

using namespace skink;
using rounds::Aggregator;
using rounds::EncodedChange;
using test::small_network;

namespace {

/// As a device encodes it with float32: the trainable numbers.
std::vector<std::uint8_t> encoded(const std::vector<float>& change) {
  std::vector<std::uint8_t> bytes(change.size() * sizeof(float));
  std::memcpy(bytes.data(), change.data(), bytes.size());
  return bytes;
}

wire::Refusal add(Aggregator& aggregator, const std::vector<float>& change, std::uint32_t weight) {
  const std::vector<std::uint8_t> bytes = encoded(change);
  const EncodedChange one{{bytes.data(), bytes.size()}, {}, weight};
  return aggregator.add({}, {&one, 1}).front();
}

std::vector<float> step(const Aggregator& aggregator, double rate, std::vector<float> parameters,
                        const nn::Network& network = small_network()) {
  const std::vector<std::int64_t> sums = aggregator.sums();
  if (aggregator.total_weight() == 0) return parameters;
  rounds::StrategyState none;
  rounds::make_strategy({})->step(network, {rate, {sums.data(), sums.size()}, aggregator.total_weight()}, none,
                                  {parameters.data(), parameters.size()});
  return parameters;
}

}  // namespace

TEST_CASE("aggregation: the weighted mean moves trainable parameters only", "[rounds][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, -2.0F}, 1) == wire::Refusal::kNone);
  REQUIRE(add(aggregator, {4.0F, 1.0F}, 2) == wire::Refusal::kNone);
  REQUIRE(aggregator.total_weight() == 3);
  REQUIRE(step(aggregator, 0.5, {10.0F, 20.0F, 30.0F}) == std::vector<float>{11.5F, 20.0F, 30.0F});
}

TEST_CASE("aggregation: arrival order does not change a bit", "[rounds][aggregation][property]") {
  const auto seed = GENERATE(range(0U, 20U));
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0.0F, 3.0F);
  std::vector<std::vector<float>> changes(50, std::vector<float>(2));
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

TEST_CASE("aggregation: what cannot be summed is refused and leaves the sum alone", "[rounds][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, 1.0F}, 1) == wire::Refusal::kNone);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(add(aggregator, {std::nanf(""), 0.0F}, 1) == wire::Refusal::kNotFinite);
  CHECK(add(aggregator, {0.0F, -infinity}, 1) == wire::Refusal::kNotFinite);
  CHECK(add(aggregator, {0.0F, 128.0F}, 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {-128.0F, 0.0F}, 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {0.0F, 0.0F}, arithmetic::kMaxTotalWeight - 1) == wire::Refusal::kTooLarge);
  CHECK(add(aggregator, {127.99999F, 0.0F}, arithmetic::kMaxTotalWeight - 2) == wire::Refusal::kNone);
  CHECK(aggregator.updates() == 2);
}

TEST_CASE("aggregation: a change of too large a norm is scaled down to it", "[rounds][aggregation]") {
  Aggregator aggregator(small_network());
  aggregator.reset({5.0, 4.9});
  REQUIRE(add(aggregator, {30.0F, 40.0F}, 1) == wire::Refusal::kNone);  // to 3, 4
  REQUIRE(add(aggregator, {3.0F, -4.0F}, 1) == wire::Refusal::kNone);   // as it is
  REQUIRE(add(aggregator, {0.0F, 0.0F}, 1) == wire::Refusal::kNone);
  CHECK(aggregator.updates() == 3);
  CHECK(aggregator.longer() == 2);
  const std::vector<float> phi = step(aggregator, 3.0, {0.0F, 0.0F, 0.0F});
  CHECK(phi[0] == Approx(6.0));
  CHECK(phi[1] == Approx(0.0).margin(1e-5));
}

TEST_CASE("aggregation: a round without updates leaves the model alone", "[rounds][aggregation]") {
  Aggregator aggregator(small_network());
  REQUIRE(add(aggregator, {1.0F, 1.0F}, 1) == wire::Refusal::kNone);
  aggregator.reset();
  REQUIRE(step(aggregator, 1.0, {1.0F, 2.0F, 3.0F}) == std::vector<float>{1.0F, 2.0F, 3.0F});
}

// ---- encoded changes, on several workers ----------------------------------------------------------------------------

namespace {

struct Cohort {
  nn::Network network =
      test::build({{1, 1, 40}, {test::dense(17), test::dense(9, test::Train::kWeights)}, nn::Loss::kMeanSquaredError});
  codec::Codec codec;
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<EncodedChange> changes;
};

/// Sound changes, and among them one that is cut, one that is damaged at its end, one that is not finite at its end and
/// one that is too large there, as far as the codec lets them be sent.
Cohort make_cohort(const std::string& codec_name, std::uint32_t seed) {
  Cohort cohort;
  cohort.codec = test::codec_of(codec_name);
  test::NetLottery lottery(seed);
  const std::size_t parameters = cohort.network.parameter_count();
  for (std::uint32_t device = 0; device < 23; ++device) {
    test::Numbers change(parameters);
    for (float& value : change) value = static_cast<float>(lottery.real(-0.5, 0.5));
    const std::size_t last = cohort.network.tensors()[2].offset + std::size_t{cohort.network.tensors()[2].count} - 1;
    if (device == 5) change[last] = 128.0F;
    test::Encoding encoding(cohort.network, test::Numbers(parameters, 0.0F), change, cohort.codec, {7, 1, device});
    REQUIRE(encoding.status == Status::kOk);
    test::Buffer bytes = encoding.all();
    if (device == 9) bytes.resize(bytes.size() / 2);
    if (device == 12) bytes.back() = 0xff;
    if (device == 14 && codec_name == "float32") std::memset(bytes.data() + bytes.size() - 4, 0xff, 4);
    cohort.bytes.push_back(std::move(bytes));
  }
  for (std::uint32_t device = 0; device < cohort.bytes.size(); ++device) {
    const std::vector<std::uint8_t>& bytes = cohort.bytes[device];
    cohort.changes.push_back({{bytes.data(), bytes.size()}, {7, 1, device}, 1 + device % 3});
  }
  return cohort;
}

struct Sums {
  std::vector<wire::Refusal> refusals;
  std::vector<float> parameters;
  std::uint32_t updates = 0;
};

/// As docs/arithmetic.md says it, one change after the other.
Sums by_the_book(const Cohort& cohort, double clip_norm) {
  const std::size_t parameters = cohort.network.parameter_count();
  Sums sums;
  std::vector<std::int64_t> totals(parameters, 0);
  std::uint32_t weight = 0;
  for (const EncodedChange& change : cohort.changes) {
    test::Numbers numbers(parameters);
    wire::Refusal refusal = wire::Refusal::kNone;
    if (codec::decode(cohort.codec, cohort.network, change.key, change.bytes, {numbers.data(), parameters}) !=
        Status::kOk) {
      refusal = wire::Refusal::kMalformed;
    }
    double squares = 0;
    for (const float number : numbers) {
      if (refusal != wire::Refusal::kNone) break;
      if (!std::isfinite(number)) refusal = wire::Refusal::kNotFinite;
      if (std::isfinite(number) && std::fabs(number) >= 128.0F) refusal = wire::Refusal::kTooLarge;
      squares += test::squared(test::as_double(number));
    }
    sums.refusals.push_back(refusal);
    if (refusal != wire::Refusal::kNone) continue;
    const double norm = std::sqrt(squares);
    const float factor = clip_norm > 0 && norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0F;
    for (std::size_t e = 0; e < parameters; ++e) {
      totals[e] += arithmetic::to_fixed_point(numbers[e] * factor) * change.weight;
    }
    weight += change.weight;
    ++sums.updates;
  }
  sums.parameters.assign(parameters, 0.25F);
  for (const nn::Tensor& tensor : cohort.network.tensors()) {
    for (std::size_t e = tensor.offset; tensor.trainable && e < tensor.offset + std::size_t{tensor.count}; ++e) {
      sums.parameters[e] = arithmetic::outer_step(0.25F, 0.7, arithmetic::mean_of_fixed_point(totals[e], weight));
    }
  }
  return sums;
}

Sums by_the_aggregator(const Cohort& cohort, double clip_norm, Workers& workers,
                       const std::vector<std::size_t>& order) {
  Aggregator aggregator(cohort.network, rounds::Executor::of(workers));
  aggregator.reset({clip_norm, 0});
  std::vector<EncodedChange> changes;
  changes.reserve(order.size());
  for (const std::size_t i : order) changes.push_back(cohort.changes[i]);
  const auto refusals = aggregator.add(cohort.codec, {changes.data(), changes.size()});
  Sums sums;
  sums.refusals.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    sums.refusals[order[i]] = refusals[i];
  }
  sums.updates = aggregator.updates();
  sums.parameters = step(aggregator, 0.7, std::vector<float>(cohort.network.parameter_count(), 0.25F), cohort.network);
  return sums;
}

}  // namespace

TEST_CASE("aggregation: any order on any number of workers gives the bits of the specification, with every codec",
          "[rounds][aggregation][property]") {
  const double clip_norm = GENERATE(0.0, 3.0);
  std::mt19937 random(4);
  for (const std::string& name : test::codec_names()) {
    INFO(name);
    const Cohort cohort = make_cohort(name, 3);
    const Sums expected = by_the_book(cohort, clip_norm);
    REQUIRE(expected.updates > 15);
    REQUIRE(expected.refusals[9] == wire::Refusal::kMalformed);
    std::vector<std::size_t> order(cohort.changes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (const std::uint32_t count : {1U, 2U, 5U}) {
      Workers workers(count);
      const Sums sums = by_the_aggregator(cohort, clip_norm, workers, order);
      CHECK(sums.refusals == expected.refusals);
      CHECK(sums.updates == expected.updates);
      CHECK(sums.parameters == expected.parameters);
      std::shuffle(order.begin(), order.end(), random);
    }
  }
}

TEST_CASE("aggregation: which changes find room under the limit of weight is decided in order of arrival",
          "[rounds][aggregation]") {
  const std::uint32_t most = arithmetic::kMaxTotalWeight - 1;
  const std::vector<std::uint8_t> one = encoded({1.0F, 0.0F});
  const std::vector<std::uint8_t> bad = encoded({1.0F, std::nanf("")});
  const auto change = [](const std::vector<std::uint8_t>& bytes, std::uint32_t weight) {
    return EncodedChange{{bytes.data(), bytes.size()}, {}, weight};
  };
  const std::vector<EncodedChange> changes = {
      change(one, most - 10),   change(bad, 8), change(one, 11), change(one, 0xffffffffU),
      change(bad, 0xffffffffU), change(one, 9), change(one, 1),  change(one, 1)};
  Workers workers(GENERATE(1U, 3U));
  Aggregator aggregator(small_network(), rounds::Executor::of(workers));
  const auto refusals = aggregator.add({}, {changes.data(), changes.size()});
  using wire::Refusal;
  CHECK(refusals == std::vector<Refusal>{Refusal::kNone, Refusal::kNotFinite, Refusal::kTooLarge, Refusal::kTooLarge,
                                         Refusal::kNotFinite, Refusal::kNone, Refusal::kNone, Refusal::kTooLarge});
  CHECK(aggregator.total_weight() == most);
  CHECK(step(aggregator, 1.0, {0.0F, 0.0F, 0.0F}) == std::vector<float>{1.0F, 0.0F, 0.0F});
}
