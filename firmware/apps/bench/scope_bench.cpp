#include "scope_bench.hpp"

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/stopwatch.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kSteps = 3;  ///< the last one counts: each takes the same, or nearly so

float number(uint32_t purpose, uint32_t element) noexcept {
  return arithmetic::uniform_between(arithmetic::philox(99, element, purpose, 0, 0).words[0], -0.3F, 0.3F);
}

float first_label(const void* /*context*/, size_t /*sample*/, size_t /*output*/) { return 0.0F; }

/// Memory of one net.
struct Bench {
  explicit Bench(const nn::Network& net) noexcept : network(net) {
    auto* memory = reinterpret_cast<float*>(arena().data());
    parameters = {memory, network.parameter_count()};
    sample = {memory + parameters.size(), network.sample_count()};
    scratch = {sample.end(), network.scratch_count()};
    for (size_t e = 0; e < parameters.size(); ++e) parameters[e] = number(1, static_cast<uint32_t>(e));
  }

  uint32_t step(nn::Given given) noexcept {
    port::feed_watchdog();
    const size_t inputs = given == nn::Given::kInput ? network.input_size() : 0;
    for (size_t i = 0; i < inputs; ++i) sample[i] = number(2, static_cast<uint32_t>(i));
    const uint32_t begin = stopwatch::ticks();
    (void)nn::online_step(network, parameters, 0.02F, sample, {nullptr, &first_label}, scratch, given);
    return stopwatch::instructions(begin, stopwatch::ticks());
  }

  const nn::Network& network;
  Span<float> parameters, sample, scratch;
};

/// What is not trained in so many layers from below; or with `is_bias` also the weights of all, but the last one's.
uint32_t frozen_of(const nn::Network& network, size_t layers_left, bool is_bias) noexcept {
  uint32_t frozen = 0;
  const size_t tensors = network.tensors().size();
  for (size_t t = 0; t < tensors; ++t) {
    const bool is_low = t < 2 * layers_left;
    if (is_bias ? !network.tensors()[t].is_bias && t + 2 < tensors : is_low) frozen |= 1U << t;
  }
  return frozen;
}

void measure(const char* net, const char* scope, nn::Network& network, uint32_t frozen) noexcept {
  port::feed_watchdog();
  if (network.freeze(frozen) != Status::kOk) return;
  Bench bench(network);
  uint32_t whole = 0;
  uint32_t known = 0;
  for (uint32_t i = 0; i < kSteps; ++i) whole = bench.step(nn::Given::kInput);
  for (uint32_t i = 0; i < kSteps; ++i) known = bench.step(nn::Given::kLatent);
  if (network.has_frozen_trunk()) {
    print("scope {} {} {} {} {}", net, scope, network.trainable_count(), whole, known);
  } else {
    print("scope {} {} {} {} -", net, scope, network.trainable_count(), whole);
  }
}

}  // namespace

void measure_scopes(const NamedNet& net) noexcept {
  static nn::Network network;
  nn::BuildError error;
  if (nn::Network::build(net.input, net.layers, net.loss, network, error) != Status::kOk) return;
  const size_t layers = network.tensors().size() / 2;
  measure(net.name, "all", network, 0);
  if (layers > 2) measure(net.name, "last:2", network, frozen_of(network, layers - 2, false));
  measure(net.name, "bias+head", network, frozen_of(network, 0, true));
  measure(net.name, "head", network, frozen_of(network, layers - 1, false));
}

}  // namespace skink::firmware
