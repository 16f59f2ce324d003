#include "skink/common/nn/network.hpp"

#include <catch2/catch.hpp>

#include "nets.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;
using nn::Loss;
using nn::Padding;

namespace {

constexpr Loss kSquared = Loss::kMeanSquaredError;
constexpr Loss kEntropy = Loss::kSoftmaxCrossEntropy;

struct Refused {
  NetSpec spec;
  Status status;
  std::size_t layer;
  const char* reason;
};

void check_refused(const Refused& refused) {
  CAPTURE(refused.reason);
  nn::Network network = build({{1, 1, 3}, {dense(2)}, kSquared});
  nn::BuildError error;
  CHECK(try_build(refused.spec, network, error) == refused.status);
  CHECK(error.layer == refused.layer);
  CHECK_THAT(error.reason, Contains(refused.reason));
  CHECK(network.parameter_count() == 8);  // untouched
}

nn::LayerSpec with_padding(nn::LayerSpec spec, std::uint8_t padding) {
  spec.padding = static_cast<Padding>(padding);
  return spec;
}

}  // namespace

TEST_CASE("network: what is not a network is refused with layer and reason", "[common][nn][network]") {
  const nn::Shape flat{1, 1, 4};
  const nn::Shape image{5, 5, 2};
  const std::vector<nn::LayerSpec> seventeen(nn::kMaxLayers + 1, dense(2));
  check_refused({{flat, {}, kSquared}, Status::kInvalidArgument, 0, "at least one layer"});
  check_refused({{flat, seventeen, kSquared}, Status::kUnsupported, 0, "too many layers"});
  check_refused({{{0, 1, 4}, {dense(2)}, kSquared}, Status::kInvalidArgument, 0, "input"});
  check_refused({{{1, 0, 4}, {dense(2)}, kSquared}, Status::kInvalidArgument, 0, "input"});
  check_refused({{{1, 1, 0}, {dense(2)}, kSquared}, Status::kInvalidArgument, 0, "input"});
  check_refused({{{65535, 65535, 2}, {flatten()}, kSquared}, Status::kUnsupported, 0, "too large"});
  check_refused({{image, {dense(2)}, kSquared}, Status::kShapeMismatch, 0, "flat input"});
  check_refused({{flat, {dense(2), relu(), dense(0)}, kSquared}, Status::kInvalidArgument, 2, "units"});
  check_refused({{image, {conv2d(0, square(2, 1))}, kSquared}, Status::kInvalidArgument, 0, "filters"});
  check_refused({{image, {plain(static_cast<nn::LayerKind>(12))}, kSquared}, Status::kUnsupported, 0, "unknown layer"});
  check_refused({{image, {plain(static_cast<nn::LayerKind>(0))}, kSquared}, Status::kUnsupported, 0, "unknown layer"});
}

TEST_CASE("network: windows that do not exist are refused", "[common][nn][network]") {
  const nn::Shape image{5, 6, 2};
  for (const Window zero : {Window{0, 1, 1, 1}, Window{1, 0, 1, 1}, Window{1, 1, 0, 1}, Window{1, 1, 1, 0}}) {
    check_refused({{image, {conv2d(1, zero)}, kSquared}, Status::kInvalidArgument, 0, "kernel and stride"});
    check_refused({{image, {average_pool(zero)}, kSquared}, Status::kInvalidArgument, 0, "kernel and stride"});
    check_refused({{image, {depthwise_conv2d(zero)}, kSquared}, Status::kInvalidArgument, 0, "kernel and stride"});
    check_refused({{image, {max_pool(zero)}, kSquared}, Status::kInvalidArgument, 0, "kernel and stride"});
  }
  check_refused({{image, {with_padding(conv2d(1, square(2, 1)), 2)}, kSquared}, Status::kUnsupported, 0, "padding"});
  check_refused({{image, {max_pool({2, 2, 1, 2})}, kSquared}, Status::kUnsupported, 0, "overlap"});
  check_refused({{image, {max_pool({2, 2, 2, 1})}, kSquared}, Status::kUnsupported, 0, "overlap"});
  check_refused({{image, {conv2d(1, {6, 1, 1, 1})}, kSquared}, Status::kShapeMismatch, 0, "larger than its input"});
  check_refused({{image, {conv2d(1, {1, 7, 1, 1})}, kSquared}, Status::kShapeMismatch, 0, "larger than its input"});
  check_refused({{image, {depthwise_conv2d({1, 7, 1, 1})}, kSquared}, Status::kShapeMismatch, 0, "larger than its"});
  CHECK_NOTHROW(build({image, {conv2d(1, {6, 7, 1, 1, Padding::kSame})}, kSquared}));
  CHECK_NOTHROW(build({image, {conv2d(1, {5, 6, 1, 1})}, kSquared}));
}

TEST_CASE("network: groups that do not exist are refused", "[common][nn][network]") {
  const nn::Shape image{2, 3, 6};
  const nn::Shape flat{1, 1, 6};
  check_refused({{image, {group_norm(0)}, kSquared}, Status::kInvalidArgument, 0, "groups must be at least 1"});
  check_refused({{image, {conv2d(4, square(1, 1)), group_norm(3)}, kSquared}, Status::kShapeMismatch, 1, "divide"});
  check_refused({{image, {group_norm(12)}, kSquared}, Status::kShapeMismatch, 0, "divide"});
  check_refused({{flat, {group_norm(6)}, kSquared}, Status::kShapeMismatch, 0, "groups of one number"});
  check_refused({{{8192, 4096, 1}, {group_norm(1)}, kSquared}, Status::kUnsupported, 0, "2^24"});
  CHECK_NOTHROW(build({image, {group_norm(6)}, kSquared}));
  CHECK_NOTHROW(build({flat, {group_norm(3)}, kSquared}));
}

TEST_CASE("network: activations stand on parameters or pools only", "[common][nn][network]") {
  const nn::Shape flat{1, 1, 4};
  const nn::Shape image{4, 4, 1};
  check_refused({{flat, {relu(), dense(2)}, kSquared}, Status::kUnsupported, 0, "on the input"});
  check_refused({{image, {flatten(), tanh(), dense(2)}, kSquared}, Status::kUnsupported, 1, "on the input"});
  check_refused({{flat, {dense(2), relu(), tanh()}, kSquared}, Status::kUnsupported, 2, "follows an activation"});
  check_refused({{image, {conv2d(1, square(2, 1)), relu(), flatten(), tanh(), dense(2)}, kSquared},
                 Status::kUnsupported,
                 3,
                 "follows an activation"});
  CHECK_NOTHROW(build({image, {max_pool(square(2, 2)), relu(), flatten(), dense(2)}, kSquared}));
  CHECK_NOTHROW(build({flat, {dense(2), tanh()}, kSquared}));
}

TEST_CASE("network: sizes beyond 32-bit offsets are refused", "[common][nn][network]") {
  check_refused({{{300, 300, 1}, {flatten(), dense(1)}, kSquared}, Status::kUnsupported, 0, "65535"});
  check_refused({{{1, 1, 65535}, {dense(65535)}, kSquared}, Status::kUnsupported, 0, "too large"});
  check_refused({{{8192, 4096, 1}, {global_average_pool()}, kSquared}, Status::kUnsupported, 0, "2^24"});
  check_refused({{{4096, 4096, 1}, {conv2d(65535, square(1, 1))}, kSquared}, Status::kUnsupported, 0, "too large"});
  const std::vector<nn::LayerSpec> growing(16, dense(5000));
  check_refused({{{1, 1, 5000}, growing, kSquared}, Status::kUnsupported, 10, "too large"});  // 10 x 25 million fit
}

TEST_CASE("network: there must be something to learn, and a loss for it", "[common][nn][network]") {
  const nn::Shape flat{1, 1, 4};
  const nn::Shape image{4, 4, 1};
  check_refused({{image, {max_pool(square(2, 2))}, kSquared}, Status::kInvalidArgument, 1, "parameters"});
  check_refused({{flat, {dense(2, Train::kNone)}, kSquared}, Status::kInvalidArgument, 1, "trainable"});
  check_refused({{flat, {dense(1)}, kEntropy}, Status::kShapeMismatch, 1, "two outputs"});
  check_refused({{flat, {dense(2), relu()}, kEntropy}, Status::kUnsupported, 2, "without activation"});
  check_refused({{flat, {dense(2)}, static_cast<Loss>(0)}, Status::kUnsupported, 1, "loss"});
  check_refused({{flat, {dense(2)}, static_cast<Loss>(5)}, Status::kUnsupported, 1, "loss"});
  check_refused({{flat, {dense(1)}, Loss::kMulticlassHinge}, Status::kShapeMismatch, 1, "two outputs"});
  check_refused({{flat, {dense(2), relu()}, Loss::kMulticlassHinge}, Status::kUnsupported, 2, "without activation"});
  check_refused({{flat, {dense(2)}, Loss::kReconstruction}, Status::kShapeMismatch, 1, "as many outputs"});
}

TEST_CASE("network: shapes and offsets of the golden convolutional network", "[common][nn][network]") {
  const nn::Network network = build(conv_net());
  const auto layers = network.layers();
  CHECK(layers[0].out == nn::Shape{7, 7, 4});  // ceil(14 / 2)
  CHECK(layers[0].pad_top == 0);               // (6 * 2 + 3 - 14) / 2
  CHECK(layers[2].out == nn::Shape{3, 3, 4});
  CHECK(layers[3].out == nn::Shape{3, 3, 6});
  CHECK(layers[3].pad_top == 1);
  CHECK(layers[5].out == nn::Shape{3, 3, 6});
  CHECK(layers[6].out == nn::Shape{1, 1, 54});
  CHECK(network.output_size() == 3);
  CHECK(network.parameter_count() == (9 * 4 + 4) + (9 * 4 * 6 + 6) + (54 * 3 + 3));
  CHECK(network.trainable_count() == network.parameter_count() - 6);
  CHECK(network.activation_count() == 196 + 36 + 54 + 54 + 3);  // activations and flatten take no room
  CHECK(network.scratch_count() == 9 * 6);                      // the second convolution, one input channel
  CHECK_FALSE(layers[0].propagates);
  CHECK(layers[3].propagates);
  CHECK(layers[1].out_offset == layers[0].out_offset);
  CHECK(layers[3].in_activation == nn::Activation::kNone);
  CHECK(layers[2].in_activation == nn::Activation::kRelu);
}

TEST_CASE("network: shapes, tensors and scratch of depthwise convolutions and groups", "[common][nn][network]") {
  const nn::Network network = build(separable_net());
  const auto layers = network.layers();
  CHECK(layers[2].out == nn::Shape{5, 4, 4});
  CHECK(layers[5].out == nn::Shape{2, 3, 6});
  CHECK(layers[6].out == layers[5].out);
  CHECK(layers[6].out_offset == layers[5].out_offset + 36);
  CHECK(layers[8].out == nn::Shape{1, 1, 6});
  CHECK(network.parameter_count() ==
        (9 * 4 + 4) + (9 * 4 + 4) + (4 * 6 + 6) + (4 + 2) + (6 * 6 + 6) + (6 + 6) + (6 * 3 + 3));
  CHECK(network.trainable_count() == network.parameter_count() - 6);
  CHECK(network.activation_count() == 80 + 80 + 120 + 120 + 36 + 36 + 6 + 3);
  CHECK(network.scratch_count() == 9);  // the taps of one channel; 6 weights see a channel of the 1x1 convolution
  CHECK(layers[8].in_activation == nn::Activation::kTanh);
  const nn::Network wide = build({{1, 1, 4}, {dense(24), group_norm(2), dense(2)}, kEntropy});
  CHECK(wide.scratch_count() == 12);  // the gains of one group
  CHECK(build({{1, 1, 4}, {dense(24, Train::kNone), group_norm(2), dense(2)}, kEntropy}).scratch_count() == 0);
  CHECK(build({{1, 1, 4}, {dense(24), group_norm(2, Train::kBias), dense(2)}, kEntropy}).scratch_count() == 0);
}

TEST_CASE("network: what is frozen does not train, as if its layers said so", "[common][nn][network][property]") {
  NetSpec spec = NetLottery(GENERATE(range(0U, 60U)), GENERATE(false, true)).draw();
  nn::Network network = build(spec);
  const nn::Network whole = network;
  const auto frozen = static_cast<std::uint32_t>(NetLottery(GENERATE(range(0U, 4U))).below(0x10000));
  for (std::size_t t = 0; t < whole.tensors().size(); ++t) {
    if ((frozen >> t & 1U) == 0) continue;
    nn::LayerSpec& layer = spec.layers[whole.tensors()[t].layer];
    (whole.tensors()[t].is_bias ? layer.train_bias : layer.train_weights) = false;
  }
  CAPTURE(describe(spec), frozen);
  nn::Network wanted;
  nn::BuildError error;
  const bool moves =
      nn::Network::build(spec.input, {spec.layers.data(), spec.layers.size()}, spec.loss, wanted, error) == Status::kOk;
  CHECK((network.freeze(frozen) == Status::kOk) == moves);
  const auto check = [&](const nn::Network& want) {
    CHECK(network.trainable_count() == want.trainable_count());
    CHECK(network.scratch_count() == want.scratch_count());
    for (std::size_t l = 0; l < want.layers().size(); ++l) {
      const nn::LayerPlan& got = network.layers()[l];
      CHECK(got.propagates == want.layers()[l].propagates);
      CHECK(got.moves_weights == want.layers()[l].moves_weights);
      CHECK(got.moves_bias == want.layers()[l].moves_bias);
      CHECK(got.spec.train_weights == whole.layers()[l].spec.train_weights);
    }
    for (std::size_t t = 0; t < want.tensors().size(); ++t) {
      CHECK(network.tensors()[t].trainable == want.tensors()[t].trainable);
    }
  };
  if (moves) check(wanted);
  REQUIRE(network.freeze(0) == Status::kOk);
  check(whole);
}

TEST_CASE("network: tensors tile the parameters in order", "[common][nn][network][property]") {
  const NetSpec spec = NetLottery(GENERATE(range(0U, 100U)), GENERATE(false, true)).draw();
  CAPTURE(describe(spec));
  const nn::Network network = build(spec);
  std::size_t next = 0;
  std::size_t trainable = 0;
  for (const nn::Tensor& tensor : network.tensors()) {
    CHECK(tensor.offset == next);
    next += tensor.count;
    trainable += tensor.trainable ? tensor.count : 0;
  }
  CHECK(next == network.parameter_count());
  CHECK(trainable == network.trainable_count());
  CHECK(network.output_offset() + network.output_size() == network.sample_count());
}
