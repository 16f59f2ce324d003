#include "skink/firmware/selftest.hpp"

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/codec/decoder.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/features/extractor.hpp"
#include "skink/common/features/standardiser.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/nn/training.hpp"
#include "vectors.hpp"

namespace skink::firmware::selftest {
namespace {

constexpr uint64_t kSeed = 2024;
constexpr uint32_t kNumbers = 1024;

/// Words of the checks' own addresses: (purpose, round) tell the uses apart.
uint32_t word(uint32_t purpose, uint32_t round, uint32_t device, uint32_t element) noexcept {
  return arithmetic::philox(kSeed, element / 4, purpose, round, device).words[element % 4];
}

float number(uint32_t purpose, uint32_t round, uint32_t device, uint32_t element, float low, float high) noexcept {
  return arithmetic::uniform_between(word(purpose, round, device, element), low, high);
}

void add_word(crypto::Sha256& hash, uint32_t value) noexcept {
  uint8_t bytes[4];
  store_u32(bytes, value);
  hash.add(bytes);
}

void add_float(crypto::Sha256& hash, float value) noexcept {
  uint8_t bytes[4];
  store_float(bytes, value);
  hash.add(bytes);
}

void add_floats(crypto::Sha256& hash, Span<const float> values) noexcept {
  for (const float value : values) add_float(hash, value);
}

void random_bits(crypto::Sha256& hash, Span<float> /*memory*/) {
  for (uint32_t element = 0; element < kNumbers; ++element) add_word(hash, word(5, 1, 2, element));
}

void permutations(crypto::Sha256& hash, Span<float> /*memory*/) {
  constexpr uint32_t kCounts[] = {1, 7, 100, 1000};
  for (const uint32_t count : kCounts) {
    const arithmetic::PhiloxBlock key = arithmetic::philox(kSeed, count, 6, 0, 0);
    for (uint32_t i = 0; i < count && i < 100; ++i) add_word(hash, arithmetic::permute(i, count, key));
  }
}

void over(crypto::Sha256& hash, float (*function)(float), uint32_t round, float low, float high) noexcept {
  for (uint32_t element = 0; element < kNumbers; ++element) {
    add_float(hash, function(number(1, round, 0, element, low, high)));
  }
}

void exponentials(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::exp, 0, -100, 100); }
void logarithms(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::log, 1, 0, 1000); }
void hyperbolic_tangents(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::tanh, 2, -5, 5); }
void sines(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::sin, 3, -9000, 9000); }
void square_roots(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::sqrt, 9, 0, 4); }
void cosines(crypto::Sha256& hash, Span<float> /*memory*/) { over(hash, &arithmetic::cos, 4, -50, 50); }

// ---- networks -------------------------------------------------------------------------------------------------------

nn::LayerSpec layer(nn::LayerKind kind, uint16_t units = 0, uint8_t kernel = 0, uint8_t stride = 0,
                    nn::Padding padding = nn::Padding::kValid) noexcept {
  nn::LayerSpec spec;
  spec.kind = kind;
  spec.units = units;
  spec.kernel_height = spec.kernel_width = kernel;
  spec.stride_height = spec.stride_width = stride;
  spec.padding = padding;
  return spec;
}

/// 6 - 9 tanh - 7 relu - 3, softmax cross-entropy.
void build_dense(nn::Network& network) noexcept {
  const nn::LayerSpec layers[] = {layer(nn::LayerKind::kDense, 9), layer(nn::LayerKind::kTanh),
                                  layer(nn::LayerKind::kDense, 7), layer(nn::LayerKind::kRelu),
                                  layer(nn::LayerKind::kDense, 3)};
  nn::BuildError error;
  (void)nn::Network::build({1, 1, 6}, layers, nn::Loss::kSoftmaxCrossEntropy, network, error);
}

/// Every layer that has a window, with padding and without; mean squared error of two outputs.
void build_conv(nn::Network& network) noexcept {
  const nn::LayerSpec layers[] = {layer(nn::LayerKind::kConv2d, 3, 3, 1, nn::Padding::kSame),
                                  layer(nn::LayerKind::kTanh),
                                  layer(nn::LayerKind::kMaxPool, 0, 2, 2),
                                  layer(nn::LayerKind::kConv2d, 4, 3, 2, nn::Padding::kSame),
                                  layer(nn::LayerKind::kRelu),
                                  layer(nn::LayerKind::kAveragePool, 0, 2, 1, nn::Padding::kSame),
                                  layer(nn::LayerKind::kFlatten),
                                  layer(nn::LayerKind::kDense, 2)};
  nn::BuildError error;
  (void)nn::Network::build({8, 7, 2}, layers, nn::Loss::kMeanSquaredError, network, error);
}

/// The layers of small image networks; mean squared error of two outputs.
void build_layers(nn::Network& network) noexcept {
  const nn::LayerSpec layers[] = {layer(nn::LayerKind::kConv2d, 4, 3, 2, nn::Padding::kSame),
                                  layer(nn::LayerKind::kTanh),
                                  layer(nn::LayerKind::kDepthwiseConv2d, 0, 3, 1, nn::Padding::kSame),
                                  layer(nn::LayerKind::kGroupNorm, 2),
                                  layer(nn::LayerKind::kRational),
                                  layer(nn::LayerKind::kDepthwiseConv2d, 0, 2, 1),
                                  layer(nn::LayerKind::kGlobalAveragePool),
                                  layer(nn::LayerKind::kDense, 2)};
  nn::BuildError error;
  (void)nn::Network::build({8, 7, 2}, layers, nn::Loss::kMeanSquaredError, network, error);
}

/// Class `sample mod 3`, or a number for each output.
float target(const void* context, size_t sample, size_t output) noexcept {
  const auto& network = *static_cast<const nn::Network*>(context);
  const auto index = static_cast<uint32_t>(sample);
  if (nn::has_labels(network.loss())) return static_cast<float>(index % 3);
  return number(8, 0, index, static_cast<uint32_t>(output), -1, 1);
}

struct OneTarget {
  const nn::Network* network;
  size_t sample;
  static float value(const void* context, size_t /*sample*/, size_t output) {
    const auto& self = *static_cast<const OneTarget*>(context);
    return target(self.network, self.sample, output);
  }
};

void fill_parameters(Span<float> parameters) noexcept {
  for (size_t e = 0; e < parameters.size(); ++e) parameters[e] = number(2, 0, 0, static_cast<uint32_t>(e), -0.5F, 0.5F);
}

void fill_input(Span<float> input, size_t sample) noexcept {
  for (size_t e = 0; e < input.size(); ++e) {
    input[e] = number(7, 0, static_cast<uint32_t>(sample), static_cast<uint32_t>(e), -1, 1);
  }
}

/// Parameters after `steps` online steps; the losses go into the hash. The parameters stand first in `memory`.
Span<float> train_online(crypto::Sha256& hash, const nn::Network& network, size_t steps, Span<float> memory) noexcept {
  const Span<float> parameters = memory.first(network.parameter_count());
  const Span<float> sample = memory.subspan(parameters.size(), network.sample_count());
  const Span<float> scratch = memory.subspan(parameters.size() + sample.size(), network.scratch_count());
  fill_parameters(parameters);
  for (size_t step = 0; step < steps; ++step) {
    fill_input(sample.first(network.input_size()), step);
    const OneTarget one{&network, step};
    add_float(hash, nn::online_step(network, parameters, 0.05F, sample, {&one, &OneTarget::value}, scratch));
  }
  return parameters;
}

void dense_online(crypto::Sha256& hash, Span<float> memory) {
  nn::Network network;
  build_dense(network);
  add_floats(hash, train_online(hash, network, 40, memory));
}

void conv_online(crypto::Sha256& hash, Span<float> memory) {
  nn::Network network;
  build_conv(network);
  add_floats(hash, train_online(hash, network, 12, memory));
}

void layers_online(crypto::Sha256& hash, Span<float> memory) {
  nn::Network network;
  build_layers(network);
  add_floats(hash, train_online(hash, network, 12, memory));
}

/// Ten steps over the same four samples.
void dense_batch(crypto::Sha256& hash, Span<float> memory) {
  constexpr size_t kBatch = 4;
  nn::Network network;
  build_dense(network);
  const size_t count = network.parameter_count();
  const Span<float> parameters = memory.first(count);
  const Span<float> gradients = memory.subspan(count, count);
  const Span<float> samples = memory.subspan(2 * count, kBatch * network.sample_count());
  fill_parameters(parameters);
  for (int step = 0; step < 10; ++step) {
    for (size_t s = 0; s < kBatch; ++s) {
      fill_input(samples.subspan(s * network.sample_count(), network.input_size()), s);
    }
    (void)nn::batch_step(network, parameters, 0.05F, samples, kBatch, {&network, &target}, gradients, {});
  }
  add_floats(hash, parameters);
}

Status read_initial(void* /*context*/, size_t first, Span<float> out) {
  for (size_t e = 0; e < out.size(); ++e) out[e] = number(2, 0, 0, static_cast<uint32_t>(first + e), -0.5F, 0.5F);
  return Status::kOk;
}

// ---- codecs ---------------------------------------------------------------------------------------------------------

/// Every family, every way of writing one down, every option.
constexpr const char* kCodecs[] = {"float32",
                                   "int8",
                                   "int8:block:nearest",
                                   "int4:block",
                                   "int4:nearest+ef",
                                   "ternary",
                                   "sign",
                                   "sign:block+ef",
                                   "eden:1",
                                   "eden:2+ef",
                                   "eden:3",
                                   "eden:4+ef",
                                   "int8:nearest+range",
                                   "int4:block+range+ef",
                                   "ternary+range",
                                   "topk:0.05+float32+ef",
                                   "topk:0.25+int8",
                                   "topk:0.1+int4:nearest+ef",
                                   "topk:0.05+ternary+ef",
                                   "topk:0.1+int8+range",
                                   "topk:0.2+int4:nearest+range+ef",
                                   "topk:0.02+ternary+range"};

/// One update, with error feedback two: the encoded bytes, the decoded numbers and what is left.
void add_updates(crypto::Sha256& hash, const nn::Network& network, Span<const float> parameters, const char* name,
                 Span<float> memory) noexcept {
  codec::Codec codec;
  if (!codec::parse(name, codec)) return;
  const Span<float> decoded = memory.first(network.parameter_count());
  const Span<float> residual = memory.subspan(decoded.size(), network.trainable_count());
  const size_t state_bytes = codec::state_bytes(codec, network);
  auto* bytes = reinterpret_cast<uint8_t*>(memory.data() + decoded.size() + residual.size());
  codec::Change change{&network, {nullptr, &read_initial}, parameters, nullptr, {}};
  const uint32_t updates = codec.error_feedback ? 2 : 1;
  for (uint32_t update = 0; update < updates; ++update) {
    const codec::Key key{kSeed, 3 + update, 7};
    codec::Encoder encoder;
    (void)encoder.begin(codec, change, key, {bytes, state_bytes});
    const MutableBytes encoded(bytes + state_bytes, encoder.size());
    (void)encoder.read(0, encoded);
    hash.add(encoded);
    (void)codec::decode(codec, network, key, encoded, decoded);
    add_floats(hash, decoded);
    (void)encoder.leave(residual);
    add_floats(hash, residual);
    change.residual = residual.data();
  }
}

/// The change of conv_online. The network is no stack's: encoders need 4 KB of that.
void codecs(crypto::Sha256& hash, Span<float> memory) {
  static nn::Network network;
  build_conv(network);
  crypto::Sha256 losses;
  const Span<float> parameters = train_online(losses, network, 12, memory);
  for (const char* name : kCodecs) add_updates(hash, network, parameters, name, memory.subspan(parameters.size()));
}

// ---- features -------------------------------------------------------------------------------------------------------

/// All statistics and ten mel bands of windows of two axes, standardised as they come.
void window_features(crypto::Sha256& hash, Span<float> memory) {
  features::FrameSpec frames;
  frames.axes = 2;
  frames.length = 200;
  frames.hop = 80;
  features::FeatureSpec spec;
  spec.statistics = features::kAllStatistics;
  spec.mel = {10, 256, 8000, 60, 3800};
  features::Framer framer;
  features::Extractor extractor;
  features::Standardiser standardiser;
  for (uint32_t a = 0; a < frames.axes; ++a) {
    frames.scale[a] = number(10, 0, 0, a, 0.5F, 2);
    frames.offset[a] = number(10, 1, 0, a, -1, 1);
  }
  const size_t count = features::Extractor::feature_count(frames, spec);
  const Span<float> window = memory.first(features::Framer::memory_count(frames));
  const Span<float> scratch = memory.subspan(window.size(), features::Extractor::memory_count(frames, spec));
  const Span<float> out = memory.subspan(window.size() + scratch.size(), count);
  const Span<float> state = memory.subspan(window.size() + scratch.size() + count, 2 * count);
  (void)framer.begin(frames, window);
  (void)extractor.begin(frames, spec, scratch);
  (void)standardiser.begin(count, state);
  for (uint32_t reading = 0; reading < 440; ++reading) {
    float stored[2];
    for (uint32_t a = 0; a < frames.axes; ++a) stored[a] = number(10, 2, a, reading, -1, 1);
    bool is_complete = false;
    (void)framer.add(Span<const float>(stored), is_complete);
    if (!is_complete) continue;
    (void)extractor.compute(framer, out);
    add_floats(hash, out);
    (void)standardiser.add(out);
    (void)standardiser.standardise(out);
    add_floats(hash, out);
  }
}

constexpr Check kChecks[] = {
    {"random bits", vectors::kRandomBits, &random_bits},
    {"permutations", vectors::kPermutations, &permutations},
    {"exp", vectors::kExp, &exponentials},
    {"log", vectors::kLog, &logarithms},
    {"tanh", vectors::kTanh, &hyperbolic_tangents},
    {"sin", vectors::kSin, &sines},
    {"cos", vectors::kCos, &cosines},
    {"sqrt", vectors::kSqrt, &square_roots},
    {"dense net, online", vectors::kDenseOnline, &dense_online},
    {"dense net, batches", vectors::kDenseBatch, &dense_batch},
    {"convolutional net, online", vectors::kConvOnline, &conv_online},
    {"net of further layers, online", vectors::kLayersOnline, &layers_online},
    {"codecs", vectors::kCodecs, &codecs},
    {"features", vectors::kFeatures, &window_features},
};

}  // namespace

Span<const Check> checks() noexcept { return kChecks; }

bool run(const Check& check, MutableBytes memory, crypto::Digest& found) noexcept {
  if (memory.size() < kMemoryBytes) return false;
  crypto::Sha256 hash;
  check.compute(hash, {reinterpret_cast<float*>(memory.data()), kMemoryBytes / sizeof(float)});
  found = hash.finish();
  crypto::Digest expected;
  return crypto::from_hex(check.expected, 2 * crypto::kDigestBytes, expected) && found == expected;
}

}  // namespace skink::firmware::selftest
