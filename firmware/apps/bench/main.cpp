/// @file
/// Counts instructions of training steps and of single kernels, for scripts/cycle-report. Run it under QEMU's -icount
/// shift=6: an instruction takes 64 ns of virtual time, the stopwatch ticks every 40 ns. Output: name, instructions of
/// each step (least, median, most), SHA-256 of the parameters after all of them.

#include <string.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/common/wire/crypto.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/stopwatch.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kSteps = 300;

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

uint32_t counts[kSteps];

void sort_counts() noexcept {
  for (uint32_t i = 1; i < kSteps; ++i) {
    for (uint32_t j = i; j > 0 && counts[j - 1] > counts[j]; --j) {
      const uint32_t swapped = counts[j];
      counts[j] = counts[j - 1];
      counts[j - 1] = swapped;
    }
  }
}

void measure(const char* name, nn::Shape input, Span<const nn::LayerSpec> layers, nn::Loss loss, float rate) noexcept {
  nn::Network network;
  nn::BuildError error;
  if (nn::Network::build(input, layers, loss, network, error) != Status::kOk) return;
  auto* memory = reinterpret_cast<float*>(arena().data());
  const Span<float> parameters{memory, network.parameter_count()};
  const Span<float> sample{memory + parameters.size(), network.sample_count()};
  const Span<float> scratch{sample.end(), network.scratch_count()};
  for (size_t e = 0; e < parameters.size(); ++e) parameters[e] = number(1, 0, static_cast<uint32_t>(e), -0.3F, 0.3F);
  for (uint32_t step = 0; step < kSteps; ++step) {
    for (size_t i = 0; i < network.input_size(); ++i) sample[i] = number(2, step, static_cast<uint32_t>(i), -1, 1);
    const bool classifies = network.loss() == nn::Loss::kSoftmaxCrossEntropy;
    const Target target{classifies ? static_cast<float>(step % 10) : number(3, step, 0, -1, 1)};
    const uint32_t begin = stopwatch::ticks();
    (void)nn::online_step(network, parameters, rate, sample, {&target, &Target::value}, scratch);
    counts[step] = stopwatch::instructions(begin, stopwatch::ticks());
  }
  sort_counts();
  wire::Sha256 hash;
  for (const float value : parameters) {
    uint8_t bytes[4];
    store_float(bytes, value);
    hash.add(bytes);
  }
  const wire::Digest digest = hash.finish();
  print("step {} {} {} {} {}", name, counts[0], counts[kSteps / 2], counts[kSteps - 1],
        Value::hex(Bytes(digest.bytes)));
}

void run() noexcept {
  using nn::LayerKind;
  const nn::LayerSpec classifier[] = {dense(32), plain(LayerKind::kRelu), dense(10)};
  measure("dense-64-32-10", {1, 1, 64}, classifier, nn::Loss::kSoftmaxCrossEntropy, 0.05F);
  const nn::LayerSpec sine_tanh[] = {dense(32), plain(LayerKind::kTanh), dense(32), plain(LayerKind::kTanh), dense(1)};
  measure("sine-tanh", {1, 1, 1}, sine_tanh, nn::Loss::kMeanSquaredError, 0.02F);
  const nn::LayerSpec sine_relu[] = {dense(32), plain(LayerKind::kRelu), dense(32), plain(LayerKind::kRelu), dense(1)};
  measure("sine-relu", {1, 1, 1}, sine_relu, nn::Loss::kMeanSquaredError, 0.02F);
}

}  // namespace
}  // namespace skink::firmware

extern "C" void skink_app() {
  skink::firmware::stopwatch::start();
  skink::firmware::run();
  skink::firmware::port::finish(true);
}
