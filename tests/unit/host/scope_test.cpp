#include "skink/host/experiment/scope.hpp"

#include <catch2/catch.hpp>

#include "experiment_texts.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/experiment/experiment_text.hpp"

using namespace skink;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kText = R"(
name = "scopes"
[model]
input = [4]
loss = "softmax_cross_entropy"
layers = [
  { type = "dense", units = 8 },
  { type = "rational" },
  { type = "dense", units = 6, trainable = "weights" },
  { type = "relu" },
  { type = "dense", units = 3 },
]
[task]
source = "dataset"
dataset = "any"
support_size = 5
[meta]
strategy = "reptile"
rounds = 3
inner_learning_rate = 0.1
[fleet]
devices = 4
held_out = 1
)";

Result<Experiment> read(const std::vector<Override>& overrides) {
  return parse_experiment(kText, "scopes.toml", overrides);
}

/// By the tensors: dense, rational, dense whose bias is frozen, dense; weights before bias.
std::uint32_t moved(const std::string& scope) {
  const auto experiment = read({});
  REQUIRE(experiment.has_value());
  const auto frozen = frozen_by(scope, make_network(experiment->model));
  REQUIRE(frozen.has_value());
  return ~*frozen & 0xffU;
}

}  // namespace

TEST_CASE("scope: names are of tensors", "[host][scope]") {
  CHECK(moved("all") == 0xff);
  CHECK(moved("head") == 0xc0);
  CHECK(moved("last:1") == 0xc0);
  CHECK(moved("last:2") == 0xf0);
  CHECK(moved("last:4") == 0xff);
  CHECK(moved("bias") == 0xa2);  // not the denominator of the rational layer
  CHECK(moved("bias+head") == 0xe2);
  CHECK(moved("0.weights+1.bias") == 0x09);
  CHECK(moved("all+head") == 0xff);
}

TEST_CASE("scope: anything else is refused, with its part", "[host][scope]") {
  const std::pair<const char*, const char*> refused[] = {{"", "wanted a text of 1"},
                                                         {"heads", "\"heads\" is no scope"},
                                                         {"head+", "\"\" is no scope"},
                                                         {"last", "\"last\" is no scope"},
                                                         {"last:0", "use last:1 to last:4"},
                                                         {"last:5", "use last:1 to last:4"},
                                                         {"last:-1", "use last:1"},
                                                         {"3.weights", "has no such tensor"},
                                                         {"9.bias", "has no such tensor"},
                                                         {"0.weight", "is no scope"},
                                                         {".bias", "is no scope"},
                                                         {"2.bias", "nothing of \"2.bias\" is trainable"},
                                                         {"0.weights,2.weights", "is no scope"}};
  for (const auto& [scope, reason] : refused) {
    CAPTURE(scope);
    const auto experiment = read({{"adapt.scope", std::string("\"") + scope + "\""}});
    REQUIRE_FALSE(experiment.has_value());
    CHECK_THAT(experiment.error().message, Contains("[adapt] scope: ") && Contains(reason));
  }
}

TEST_CASE("scope: that of evaluations is that of rounds unless it says another", "[host][scope]") {
  const auto same = read({{"adapt.scope", "head"}});
  REQUIRE(same.has_value());
  CHECK(same->evaluation.scope == same->adapt.scope);
  CHECK(same->adapt.scope.frozen == 0x3f);
  const auto wider = read({{"adapt.scope", "head"}, {"evaluation.scope", "all"}});
  REQUIRE(wider.has_value());
  CHECK(wider->evaluation.scope.frozen == 0);
  for (const Experiment& experiment : {*same, *wider, *read({}), *read({{"evaluation.scope", "bias"}})}) {
    const auto again = parse_experiment(to_toml(experiment), "again.toml");
    REQUIRE(again.has_value());
    CHECK(*again == experiment);
  }
}

TEST_CASE("scope: what is sent is what moves, with a query gradient all", "[host][scope]") {
  const auto narrow = scoped_networks(*read({{"adapt.scope", "head"}}));
  CHECK(narrow.sent.trainable_count() == 6 * 3 + 3);
  CHECK(narrow.adapting.trainable_count() == narrow.sent.trainable_count());
  const auto anil =
      scoped_networks(*read({{"adapt.scope", "head"}, {"meta.strategy", "fomaml"}, {"task.query_size", "5"}}));
  CHECK(anil.adapting.trainable_count() == 6 * 3 + 3);
  CHECK(anil.sent.trainable_count() == anil.sent.parameter_count() - 6);
  CHECK(anil.evaluating.trainable_count() == 6 * 3 + 3);
}

TEST_CASE("scope: steps of the model are of what is sent", "[host][scope]") {
  const DeviceMemory all = device_memory(*read({{"codec.downlink", "int8"}}));
  const DeviceMemory head = device_memory(*read({{"adapt.scope", "head"}, {"codec.downlink", "int8"}}));
  CHECK(head.patch == 2 * 2 + 6 * 3 + 3);  // two scales, a byte for each number
  CHECK(head.patch < all.patch);
  CHECK(head.update < all.update);
}
