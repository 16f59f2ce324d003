#include <catch2/catch.hpp>
#include <cmath>

#include "skink/common/arithmetic/real.hpp"
#include "skink/host/experiment/experiment.hpp"

using namespace skink;

namespace {

std::uint32_t bits(float value) { return arithmetic::RealTraits<float>::to_bits(value); }

LayerConfig dense(std::uint16_t units, Initializer initializer, float gain = 1.0F) {
  LayerConfig layer;
  layer.spec.units = units;
  layer.initializer = initializer;
  layer.gain = gain;
  return layer;
}

LayerConfig kinks(std::uint16_t units) {
  LayerConfig layer = dense(units, Initializer::kKinks);
  layer.slope_min = 0.1F;
  layer.slope_max = 0.6F;
  layer.input_min = -5.0F;
  layer.input_max = 5.0F;
  return layer;
}

LayerConfig relu() {
  LayerConfig layer;
  layer.spec.kind = nn::LayerKind::kRelu;
  return layer;
}

}  // namespace

// The bit patterns of this file come from a separate implementation of docs/arithmetic.md, section 9, in Python.

TEST_CASE("initialization: kinks and he_uniform give the documented bits", "[common][host][initialization][golden]") {
  ModelConfig model;
  model.layers = {kinks(32), relu(), dense(3, Initializer::kZeros), relu(), dense(1, Initializer::kHeUniform)};
  const std::vector<float> phi = initial_parameters(model, 42);
  REQUIRE(phi.size() == 32 + 32 + 96 + 3 + 3 + 1);
  CHECK(bits(phi[0]) == 0x3e6c27d6U);
  CHECK(bits(phi[3]) == 0xbec72267U);
  CHECK(bits(phi[31]) == 0xbf057705U);
  CHECK(bits(phi[32]) == 0x3f0688dbU);
  CHECK(bits(phi[35]) == 0x3fb4ff03U);
  CHECK(bits(phi[63]) == 0xc006a58aU);
  for (std::size_t i = 64; i < 64 + 99; ++i) CHECK(bits(phi[i]) == 0);
}

TEST_CASE("initialization: activations count as layers", "[common][host][initialization][golden]") {
  ModelConfig model;
  model.layers = {dense(3, Initializer::kZeros), relu(), dense(4, Initializer::kHeUniform, 1.7F)};
  const std::vector<float> phi = initial_parameters(model, 42);
  const float* weights = phi.data() + 6;
  CHECK(bits(weights[0]) == 0xbfad642bU);
  CHECK(bits(weights[5]) == 0xbecedf48U);
  CHECK(bits(weights[11]) == 0xc0099cb6U);
  for (std::size_t i = 12; i < 16; ++i) CHECK(bits(weights[i]) == 0);
}

TEST_CASE("initialization: the fan-in of a convolution is its window", "[common][host][initialization][golden]") {
  ModelConfig model;
  model.input = {5, 5, 2};
  LayerConfig conv = dense(4, Initializer::kHeUniform);
  conv.spec.kind = nn::LayerKind::kConv2d;
  conv.spec.kernel_height = conv.spec.kernel_width = 3;
  conv.spec.stride_height = conv.spec.stride_width = 1;
  LayerConfig pool;
  pool.spec.kind = nn::LayerKind::kAveragePool;
  pool.spec.kernel_height = pool.spec.kernel_width = 1;
  pool.spec.stride_height = pool.spec.stride_width = 1;
  model.layers = {pool, conv};
  const std::vector<float> phi = initial_parameters(model, 42);
  REQUIRE(phi.size() == 9 * 2 * 4 + 4);
  CHECK(bits(phi[40]) == 0xbf0c692cU);
}

TEST_CASE("initialization: the fan-in of a depthwise convolution is the window of one channel",
          "[common][host][initialization][golden]") {
  ModelConfig model;
  model.input = {5, 5, 2};
  LayerConfig depthwise = dense(0, Initializer::kHeUniform, 0.7F);
  depthwise.spec.kind = nn::LayerKind::kDepthwiseConv2d;
  depthwise.spec.kernel_height = 3;
  depthwise.spec.kernel_width = 2;
  depthwise.spec.stride_height = depthwise.spec.stride_width = 1;
  model.layers = {depthwise};
  const std::vector<float> phi = initial_parameters(model, 42);
  REQUIRE(phi.size() == 3 * 2 * 2 + 2);
  CHECK(bits(phi[0]) == 0xbeab2463U);
  CHECK(bits(phi[11]) == 0x3f293e8bU);
  CHECK(bits(phi[12]) == 0);
}

TEST_CASE("initialization: a group_norm begins with gain 1 and bias 0", "[common][host][initialization]") {
  ModelConfig model;
  model.input = {2, 2, 3};
  LayerConfig norm;
  norm.spec.kind = nn::LayerKind::kGroupNorm;
  norm.spec.units = 3;
  model.layers = {norm};
  CHECK(initial_parameters(model, 42) == std::vector<float>{1.0F, 1.0F, 1.0F, 0.0F, 0.0F, 0.0F});
}

TEST_CASE("initialization: a rational activation begins near ReLU", "[common][host][initialization]") {
  ModelConfig model;
  LayerConfig rational;
  rational.spec.kind = nn::LayerKind::kRational;
  model.layers = {rational};
  CHECK(initial_parameters(model, 42) == std::vector<float>{0.1238F, 0.5F, 0.4305F, 0.0987F, 0.0F, 0.1974F});
}

TEST_CASE("initialization: weights stay within the bound, and another seed gives others",
          "[common][host][initialization]") {
  ModelConfig model;
  model.input = {1, 1, 24};
  model.layers = {dense(100, Initializer::kHeUniform, 2.0F)};
  const std::vector<float> phi = initial_parameters(model, 1);
  double sum = 0;
  for (std::size_t i = 0; i < 2400; ++i) {
    CHECK(std::fabs(phi[i]) <= 1.0F);
    sum += static_cast<double>(phi[i]);
  }
  CHECK(std::fabs(sum / 2400) < 0.05);
  CHECK(phi == initial_parameters(model, 1));
  CHECK(phi != initial_parameters(model, 2));
  CHECK(phi != initial_parameters(model, std::uint64_t{1} << 32 | 1));
}

TEST_CASE("initialization: no zero has a sign", "[common][host][initialization]") {
  ModelConfig model;
  LayerConfig layer = kinks(64);
  layer.input_min = layer.input_max = 0.0F;
  model.layers = {layer};
  for (const float value : initial_parameters(model, 3)) CHECK(bits(value) != 0x80000000U);
}

TEST_CASE("initialization: an unchecked model that is no network is a broken invariant",
          "[common][host][initialization]") {
  CHECK_THROWS_AS(make_network(ModelConfig{}), std::logic_error);
}
