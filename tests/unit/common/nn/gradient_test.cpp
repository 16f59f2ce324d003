/// @file
/// The kernels compute the gradient: instantiated for double, where central differences are sharp.

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "nets.hpp"
#include "skink/common/nn/kernels/passes.hpp"

namespace skink::arithmetic {

template <>
struct RealTraits<double> {
  using Mask = bool;
  static double broadcast(float value) noexcept { return static_cast<double>(value); }
  static Mask greater(double a, double b) noexcept { return a > b; }
  static Mask equal(double a, double b) noexcept { return a == b; }
  static Mask both(Mask a, Mask b) noexcept { return a && b; }
  static Mask invert(Mask a) noexcept { return !a; }
  static double sqrt(double x) noexcept { return std::sqrt(x); }
  static double select(Mask mask, double if_true, double if_false) noexcept { return mask ? if_true : if_false; }
};

}  // namespace skink::arithmetic

namespace skink::nn::kernels {

template <>
struct Elementary<double> {
  static double exp(double x) noexcept { return std::exp(x); }
  static double log(double x) noexcept { return std::log(x); }
  static double tanh(double x) noexcept { return std::tanh(x); }
};

}  // namespace skink::nn::kernels

using namespace skink;
using namespace skink::test;
using nn::Padding;

namespace {

/// One sample of one network, and its loss as a function of the parameters.
class Problem {
 public:
  Problem(const NetSpec& spec, std::uint32_t seed) : network_(build(spec)), lottery_(seed) {
    parameters_.resize(network_.parameter_count());
    input_.resize(network_.input_size());
    for (double& value : parameters_) value = lottery_.real(-0.8, 0.8);
    for (double& value : input_) value = lottery_.real(-1.0, 1.0);
    label_ = lottery_.below(static_cast<std::uint32_t>(network_.output_size()));
    for (std::size_t o = 0; o < network_.output_size(); ++o) targets_.push_back(lottery_.real(-1.0, 1.0));
  }

  double loss(const std::vector<double>& parameters) {
    fill();
    nn::kernels::forward(network_, nn::kernels::View<double>{parameters.data(), nullptr}, sample_.data(), 1, 0,
                         network_.layers().size());
    const bool labels = nn::has_labels(network_.loss());
    const auto target = [this, labels](std::size_t o) { return labels ? static_cast<double>(label_) : targets_[o]; };
    return nn::kernels::loss_gradient(network_, sample_.data(), target);
  }

  std::vector<double> gradient() {
    (void)loss(parameters_);
    std::vector<double> gradient(parameters_.size(), 0.0);
    std::vector<double> scratch(network_.scratch_count());
    nn::kernels::backward(network_, nn::kernels::View<double>{parameters_.data(), nullptr}, gradient.data(), 1.0,
                          sample_.data(), 1, scratch.data());
    return gradient;
  }

  /// A corner of ReLU or a change of the maximum may lie within one step, hardly within all.
  bool agrees(std::size_t e, double analytic) {
    for (const double step : {1e-5, 1e-6, 1e-7}) {
      std::vector<double> moved = parameters_;
      moved[e] = parameters_[e] + step;
      const double above = loss(moved);
      moved[e] = parameters_[e] - step;
      const double numeric = (above - loss(moved)) / (2 * step);
      if (std::fabs(numeric - analytic) <= 2e-6 * (1 + std::fabs(analytic))) return true;
    }
    return false;
  }

  const nn::Network& network() const { return network_; }

 private:
  void fill() {
    sample_.assign(network_.sample_count(), std::nan(""));
    std::copy(input_.begin(), input_.end(), sample_.begin());
  }

  nn::Network network_;
  NetLottery lottery_;
  std::vector<double> parameters_;
  std::vector<double> input_;
  std::vector<double> targets_;
  std::vector<double> sample_;
  std::uint32_t label_ = 0;
};

/// Frozen tensors must get exactly nothing, all others the derivative.
void check_gradient(const NetSpec& spec, std::uint32_t seed) {
  CAPTURE(describe(spec), seed);
  Problem problem(spec, seed);
  const std::vector<double> gradient = problem.gradient();
  for (const nn::Tensor& tensor : problem.network().tensors()) {
    for (std::size_t e = tensor.offset; e < tensor.offset + tensor.count; ++e) {
      const bool sound = tensor.trainable ? problem.agrees(e, gradient[e]) : gradient[e] == 0.0;
      if (!sound)
        FAIL("layer " << int{tensor.layer} << (tensor.is_bias ? " bias " : " weight ") << e - tensor.offset << ": "
                      << gradient[e]);
    }
  }
}

/// `body` between two dense or convolution layers, so that weights lie below it.
NetSpec below_and_above(nn::Shape input, const std::vector<nn::LayerSpec>& body, nn::Loss loss) {
  NetSpec spec{input, {conv2d(2, square(1, 1))}, loss};
  spec.layers.insert(spec.layers.end(), body.begin(), body.end());
  spec.layers.push_back(flatten());
  spec.layers.push_back(dense(3));
  return spec;
}

}  // namespace

TEST_CASE("gradients: dense layers of every tile remainder", "[common][nn][gradient]") {
  const auto width = GENERATE(range(1, 19));
  const auto units = static_cast<std::uint16_t>(width);
  for (const nn::Loss loss :
       {nn::Loss::kSoftmaxCrossEntropy, nn::Loss::kMeanSquaredError, nn::Loss::kMulticlassHinge}) {
    check_gradient({{1, 1, 3}, {dense(units), dense(units), dense(3)}, loss}, static_cast<std::uint32_t>(width));
    check_gradient({{1, 1, units}, {dense(5), tanh(), dense(2)}, loss}, static_cast<std::uint32_t>(width));
  }
}

TEST_CASE("gradients: activations after dense, conv2d and pools, and before squared error", "[common][nn][gradient]") {
  const nn::LayerSpec activation = GENERATE(relu(), tanh());
  const auto seed = GENERATE(range(0U, 4U));
  const auto loss = nn::Loss::kMeanSquaredError;
  check_gradient({{1, 1, 4}, {dense(6), activation, dense(3), activation}, loss}, seed);
  check_gradient(below_and_above({5, 5, 2}, {activation}, loss), seed);
  check_gradient(below_and_above({5, 5, 2}, {activation, max_pool(square(2, 2)), activation}, loss), seed);
  check_gradient(below_and_above({5, 5, 2}, {activation, average_pool(square(3, 2)), activation}, loss), seed);
  check_gradient(below_and_above({5, 5, 2}, {conv2d(3, square(3, 1)), activation}, loss), seed);
}

TEST_CASE("gradients: convolutions of every kernel, stride and padding", "[common][nn][gradient]") {
  const auto kernel = GENERATE(range(1, 5));
  const auto stride = GENERATE(range(1, 4));
  const auto padding = GENERATE(Padding::kValid, Padding::kSame);
  const auto k = static_cast<std::uint8_t>(kernel);
  const auto s = static_cast<std::uint8_t>(stride);
  for (const nn::Shape input : {nn::Shape{5, 6, 2}, nn::Shape{7, 4, 1}}) {
    check_gradient(below_and_above(input, {conv2d(3, square(k, s, padding))}, nn::Loss::kSoftmaxCrossEntropy), 1);
    const Window oblong{k, static_cast<std::uint8_t>(5 - k), s, static_cast<std::uint8_t>(4 - s), padding};
    check_gradient(below_and_above(input, {conv2d(2, oblong)}, nn::Loss::kMeanSquaredError), 2);
  }
}

TEST_CASE("gradients: pools of every kernel, stride and padding", "[common][nn][gradient]") {
  const auto kernel = GENERATE(range(1, 4));
  const auto stride = GENERATE(range(1, 5));
  const auto padding = GENERATE(Padding::kValid, Padding::kSame);
  const auto k = static_cast<std::uint8_t>(kernel);
  const auto s = static_cast<std::uint8_t>(stride);
  for (const nn::Shape input : {nn::Shape{6, 5, 1}, nn::Shape{7, 7, 2}}) {
    const auto loss = nn::Loss::kSoftmaxCrossEntropy;
    check_gradient(below_and_above(input, {average_pool(square(k, s, padding))}, loss), 3);
    if (s >= k) check_gradient(below_and_above(input, {max_pool(square(k, s, padding)), tanh()}, loss), 4);
  }
}

TEST_CASE("gradients: depthwise convolutions of every kernel, stride, padding and mask", "[common][nn][gradient]") {
  const auto kernel = GENERATE(range(1, 5));
  const auto stride = GENERATE(range(1, 4));
  const auto padding = GENERATE(Padding::kValid, Padding::kSame);
  const auto train = GENERATE(Train::kAll, Train::kNone, Train::kWeights, Train::kBias);
  const auto k = static_cast<std::uint8_t>(kernel);
  const auto s = static_cast<std::uint8_t>(stride);
  const Window oblong{k, static_cast<std::uint8_t>(5 - k), s, static_cast<std::uint8_t>(4 - s), padding};
  for (const nn::Shape input : {nn::Shape{5, 6, 2}, nn::Shape{7, 4, 1}}) {
    check_gradient(below_and_above(input, {tanh(), depthwise_conv2d(square(k, s, padding), train)},
                                   nn::Loss::kSoftmaxCrossEntropy),
                   1);
    check_gradient({input, {depthwise_conv2d(oblong, train), flatten(), dense(2)}, nn::Loss::kMeanSquaredError}, 2);
  }
}

TEST_CASE("gradients: global average pooling of every shape", "[common][nn][gradient]") {
  const auto activation = GENERATE(relu(), tanh());
  for (const nn::Shape input : {nn::Shape{1, 1, 3}, nn::Shape{4, 1, 2}, nn::Shape{5, 3, 1}, nn::Shape{3, 4, 2}}) {
    const auto loss = nn::Loss::kMeanSquaredError;
    check_gradient({input, {conv2d(3, square(1, 1)), activation, global_average_pool(), dense(2)}, loss}, 5);
    check_gradient({input, {conv2d(3, square(1, 1)), global_average_pool(), activation}, loss}, 6);
  }
}

TEST_CASE("gradients: group normalisation of every number of groups, shape and mask", "[common][nn][gradient]") {
  const auto groups = GENERATE(range(1, 7));
  const auto train = GENERATE(Train::kAll, Train::kNone, Train::kWeights, Train::kBias);
  const auto g = static_cast<std::uint16_t>(groups);
  const auto loss = nn::Loss::kMeanSquaredError;
  for (const nn::Shape input : {nn::Shape{3, 2, 2}, nn::Shape{1, 4, 1}, nn::Shape{1, 1, 5}}) {
    const std::uint16_t channels = input.is_flat() ? 12 : 6;
    const nn::LayerSpec below = input.is_flat() ? dense(channels) : conv2d(channels, square(1, 1));
    if (channels % g != 0) continue;
    check_gradient({input, {below, group_norm(g, train), flatten(), dense(2)}, loss}, 7);
    check_gradient({input, {below, tanh(), group_norm(g, train), relu(), flatten(), dense(2)}, loss}, 8);
    check_gradient({input, {below, group_norm(g, train)}, loss}, 9);
  }
  const nn::Shape image{3, 3, 12};
  if (12 % g == 0) check_gradient({image, {group_norm(g, train), flatten(), dense(2)}, loss}, 10);
}

TEST_CASE("gradients: rational activations of every place and mask", "[common][nn][gradient]") {
  const auto train = GENERATE(Train::kAll, Train::kNone, Train::kWeights, Train::kBias);
  const auto seed = GENERATE(range(0U, 5U));
  const auto loss = nn::Loss::kMeanSquaredError;
  check_gradient({{1, 1, 4}, {dense(6), rational(train), dense(3)}, loss}, seed);
  check_gradient({{1, 1, 4}, {rational(train), dense(3), tanh(), rational(train)}, loss}, seed);
  check_gradient({{4, 4, 2}, {conv2d(3, square(2, 1)), rational(train), relu(), flatten(), dense(2)}, loss}, seed);
}

TEST_CASE("gradients: the golden convolutional network", "[common][nn][gradient]") {
  check_gradient(conv_net(), GENERATE(1U, 2U));
}

TEST_CASE("gradients: random networks", "[common][nn][gradient][property]") {
  const auto seed = GENERATE(range(0U, 300U));
  check_gradient(NetLottery(seed, GENERATE(false, true)).draw(), seed + 1000);
}
