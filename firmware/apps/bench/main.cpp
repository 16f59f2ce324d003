/// @file
/// Counts instructions of training steps, for scripts/cycle-report. Run it under QEMU's -icount shift=6: an instruction
/// takes 64 ns of virtual time, the stopwatch ticks every 40 ns. Output, a line a net: name, parameters, steps,
/// instructions of each step (least, median, most), SHA-256 of the parameters after all of them. One step of each net
/// comes first: the script traces these and then stops the emulator.

#include <string.h>

#include "codec_bench.hpp"
#include "features_bench.hpp"
#include "scope_bench.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/stopwatch.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kMaxSteps = 300;

struct Net {
  const char* name;
  nn::Shape input;
  Span<const nn::LayerSpec> layers;
  nn::Loss loss;
  float rate;
  uint32_t steps;
};

nn::LayerSpec dense(uint16_t units) noexcept {
  nn::LayerSpec spec;
  spec.kind = nn::LayerKind::kDense;
  spec.units = units;
  return spec;
}

nn::LayerSpec plain(nn::LayerKind kind) noexcept {
  nn::LayerSpec spec;
  spec.kind = kind;
  return spec;
}

/// 3 x 3, every second row and column, as in experiments/keywords-5w5s.toml.
nn::LayerSpec convolution(uint16_t filters) noexcept {
  nn::LayerSpec spec;
  spec.kind = nn::LayerKind::kConv2d;
  spec.units = filters;
  spec.kernel_height = spec.kernel_width = 3;
  spec.stride_height = spec.stride_width = 2;
  spec.padding = nn::Padding::kSame;
  return spec;
}

float number(uint32_t purpose, uint32_t device, uint32_t element, float low, float high) noexcept {
  const arithmetic::PhiloxBlock block = arithmetic::philox(99, element / 4, purpose, 0, device);
  return arithmetic::uniform_between(block.words[element % 4], low, high);
}

struct Target {
  float wanted;
  static float value(const void* context, size_t /*sample*/, size_t /*output*/) {
    return static_cast<const Target*>(context)->wanted;
  }
};

uint32_t counts[kMaxSteps];

void sort_counts(uint32_t steps) noexcept {
  for (uint32_t i = 1; i < steps; ++i) {
    for (uint32_t j = i; j > 0 && counts[j - 1] > counts[j]; --j) {
      const uint32_t swapped = counts[j];
      counts[j] = counts[j - 1];
      counts[j - 1] = swapped;
    }
  }
}

void measure(const Net& net, uint32_t steps) noexcept {
  nn::Network network;
  nn::BuildError error;
  if (nn::Network::build(net.input, net.layers, net.loss, network, error) != Status::kOk) return;
  auto* memory = reinterpret_cast<float*>(arena().data());
  const Span<float> parameters{memory, network.parameter_count()};
  const Span<float> sample{memory + parameters.size(), network.sample_count()};
  const Span<float> scratch{sample.end(), network.scratch_count()};
  for (size_t e = 0; e < parameters.size(); ++e) parameters[e] = number(1, 0, static_cast<uint32_t>(e), -0.3F, 0.3F);
  for (uint32_t step = 0; step < steps; ++step) {
    port::feed_watchdog();
    for (size_t i = 0; i < network.input_size(); ++i) sample[i] = number(2, step, static_cast<uint32_t>(i), -1, 1);
    const bool classifies = nn::has_labels(network.loss());
    const Target target{classifies ? static_cast<float>(step % network.output_size()) : number(3, step, 0, -1, 1)};
    const uint32_t begin = stopwatch::ticks();
    (void)nn::online_step(network, parameters, net.rate, sample, {&target, &Target::value}, scratch);
    counts[step] = stopwatch::instructions(begin, stopwatch::ticks());
  }
  sort_counts(steps);
  crypto::Sha256 hash;
  for (const float value : parameters) {
    uint8_t bytes[4];
    store_float(bytes, value);
    hash.add(bytes);
  }
  const crypto::Digest digest = hash.finish();
  print("step {} {} {} {} {} {} {}", net.name, network.parameter_count(), steps, counts[0], counts[steps / 2],
        counts[steps - 1], Value::hex(Bytes(digest.bytes)));
}

void run() noexcept {
  using nn::LayerKind;
  using nn::Loss;
  const nn::LayerSpec relu = plain(LayerKind::kRelu);
  const nn::LayerSpec tanh = plain(LayerKind::kTanh);
  const nn::LayerSpec classifier[] = {dense(32), relu, dense(10)};
  const nn::LayerSpec sine_tanh[] = {dense(32), tanh, dense(32), tanh, dense(1)};
  const nn::LayerSpec sine_relu[] = {dense(32), relu, dense(32), relu, dense(1)};
  const nn::LayerSpec drawings[] = {convolution(8), relu, convolution(16), relu, plain(LayerKind::kFlatten), dense(5)};
  const Net nets[] = {
      {"dense-64-32-10", {1, 1, 64}, classifier, Loss::kSoftmaxCrossEntropy, 0.05F, kMaxSteps},
      {"sine-tanh", {1, 1, 1}, sine_tanh, Loss::kMeanSquaredError, 0.02F, kMaxSteps},
      {"sine-relu", {1, 1, 1}, sine_relu, Loss::kMeanSquaredError, 0.02F, kMaxSteps},
      {"omniglot-conv", {28, 28, 1}, drawings, Loss::kSoftmaxCrossEntropy, 0.02F, 30},
  };
  for (const Net& net : nets) measure(net, 1);
  for (const Net& net : nets) measure(net, net.steps);
  static nn::Network sine;
  nn::BuildError error;
  if (nn::Network::build({1, 1, 1}, sine_relu, Loss::kMeanSquaredError, sine, error) == Status::kOk)
    measure_codecs(sine);
  measure_features();
  const nn::LayerSpec mlp[] = {dense(64), relu, dense(32), relu, dense(5)};
  measure_scopes({"mlp-784-64-32-5", {1, 1, 784}, mlp});
  measure_scopes({"mlp-784-64-32-5,hinge", {1, 1, 784}, mlp, Loss::kMulticlassHinge});
  measure_scopes({"dense-64-32-10", {1, 1, 64}, classifier});
  measure_scopes({"omniglot-conv", {28, 28, 1}, drawings});
}

}  // namespace
}  // namespace skink::firmware

extern "C" void skink_app() {
  skink::firmware::stopwatch::start();
  skink::firmware::run();
  skink::firmware::port::finish(skink::firmware::Verdict::kPassed);
}
