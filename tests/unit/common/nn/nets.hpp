#pragma once
/// @file
/// Small networks for tests: one-line layers, and random networks of every kind from a seed.

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "skink/common/nn/network.hpp"

namespace skink::test {

struct NetSpec {
  nn::Shape input;
  std::vector<nn::LayerSpec> layers;
  nn::Loss loss = nn::Loss::kMeanSquaredError;
};

/// Bits of a trainable mask: weights, bias.
enum class Train { kAll, kNone, kWeights, kBias };

inline nn::LayerSpec masked(nn::LayerSpec spec, Train train) {
  spec.train_weights = train == Train::kAll || train == Train::kWeights;
  spec.train_bias = train == Train::kAll || train == Train::kBias;
  return spec;
}

inline nn::LayerSpec dense(std::uint16_t units, Train train = Train::kAll) {
  nn::LayerSpec spec;
  spec.kind = nn::LayerKind::kDense;
  spec.units = units;
  return masked(spec, train);
}

struct Window {
  std::uint8_t kernel_height = 1;
  std::uint8_t kernel_width = 1;
  std::uint8_t stride_height = 1;
  std::uint8_t stride_width = 1;
  nn::Padding padding = nn::Padding::kValid;
};

inline Window square(std::uint8_t kernel, std::uint8_t stride, nn::Padding padding = nn::Padding::kValid) {
  return {kernel, kernel, stride, stride, padding};
}

inline nn::LayerSpec windowed(nn::LayerKind kind, Window window) {
  nn::LayerSpec spec;
  spec.kind = kind;
  spec.kernel_height = window.kernel_height;
  spec.kernel_width = window.kernel_width;
  spec.stride_height = window.stride_height;
  spec.stride_width = window.stride_width;
  spec.padding = window.padding;
  return spec;
}

inline nn::LayerSpec conv2d(std::uint16_t filters, Window window, Train train = Train::kAll) {
  nn::LayerSpec spec = windowed(nn::LayerKind::kConv2d, window);
  spec.units = filters;
  return masked(spec, train);
}
inline nn::LayerSpec depthwise_conv2d(Window window, Train train = Train::kAll) {
  return masked(windowed(nn::LayerKind::kDepthwiseConv2d, window), train);
}
inline nn::LayerSpec max_pool(Window window) { return windowed(nn::LayerKind::kMaxPool, window); }
inline nn::LayerSpec average_pool(Window window) { return windowed(nn::LayerKind::kAveragePool, window); }

inline nn::LayerSpec plain(nn::LayerKind kind) {
  nn::LayerSpec spec;
  spec.kind = kind;
  return spec;
}
inline nn::LayerSpec flatten() { return plain(nn::LayerKind::kFlatten); }
inline nn::LayerSpec global_average_pool() { return plain(nn::LayerKind::kGlobalAveragePool); }
inline nn::LayerSpec group_norm(std::uint16_t groups, Train train = Train::kAll) {
  nn::LayerSpec spec = plain(nn::LayerKind::kGroupNorm);
  spec.units = groups;
  return masked(spec, train);
}
inline nn::LayerSpec rational(Train train = Train::kAll) { return masked(plain(nn::LayerKind::kRational), train); }
inline nn::LayerSpec relu() { return plain(nn::LayerKind::kRelu); }
inline nn::LayerSpec tanh() { return plain(nn::LayerKind::kTanh); }

inline Status try_build(const NetSpec& spec, nn::Network& network, nn::BuildError& error) {
  return nn::Network::build(spec.input, {spec.layers.data(), spec.layers.size()}, spec.loss, network, error);
}

inline nn::Network build(const NetSpec& spec) {
  nn::Network network;
  nn::BuildError error;
  const Status status = try_build(spec, network, error);
  if (status != Status::kOk)
    throw std::logic_error(std::string("layer ") + std::to_string(error.layer) + ": " + error.reason);
  return network;
}

/// 1 -> 32 -> 32 -> 1 with ReLU: the sine network of the literature on meta-learning, narrower.
inline NetSpec sine_net() {
  return {{1, 1, 1}, {dense(32), relu(), dense(32), relu(), dense(1)}, nn::Loss::kMeanSquaredError};
}

/// The network of tests/golden/conv.toml.
inline NetSpec conv_net() {
  return {{14, 14, 1},
          {conv2d(4, square(3, 2, nn::Padding::kSame)), relu(), max_pool(square(2, 2)),
           conv2d(6, square(3, 1, nn::Padding::kSame), Train::kWeights), tanh(),
           average_pool(square(2, 1, nn::Padding::kSame)), flatten(), dense(3)},
          nn::Loss::kSoftmaxCrossEntropy};
}

/// Depthwise separable convolutions, normalised, with a rational activation.
inline NetSpec separable_net() {
  const nn::Padding same = nn::Padding::kSame;
  return {
      {9, 8, 1},
      {conv2d(4, square(3, 2, same)), relu(), depthwise_conv2d(square(3, 1, same)), conv2d(6, square(1, 1)), rational(),
       depthwise_conv2d({3, 2, 2, 1}, Train::kWeights), group_norm(2), tanh(), global_average_pool(), dense(3)},
      nn::Loss::kSoftmaxCrossEntropy};
}

/// A random network: odd shapes, every layer, stride, padding and mask, losses.
class NetLottery {
 public:
  explicit NetLottery(std::uint32_t seed, bool all_kinds = false) : random_(seed), all_kinds_(all_kinds) {}

  NetSpec draw() {
    for (;;) {  // most draws are networks
      NetSpec spec = attempt();
      nn::Network network;
      nn::BuildError error;
      if (try_build(spec, network, error) == Status::kOk && network.parameter_count() < 600) return spec;
    }
  }

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

 private:
  std::uint8_t one_to(std::uint32_t most) { return static_cast<std::uint8_t>(1 + below(most)); }
  Train mask() {
    const Train all[] = {Train::kAll, Train::kAll, Train::kAll, Train::kWeights, Train::kBias, Train::kNone};
    return all[below(6)];
  }

  Window window() {
    Window w{one_to(3), one_to(3), one_to(3), one_to(3), nn::Padding::kValid};
    if (below(2) == 0) w.padding = nn::Padding::kSame;
    return w;
  }

  Window disjoint_window() {
    Window w = window();
    w.stride_height = static_cast<std::uint8_t>(w.kernel_height + below(2));
    w.stride_width = static_cast<std::uint8_t>(w.kernel_width + below(2));
    return w;
  }

  NetSpec attempt() {
    NetSpec spec;
    const bool image = below(4) != 0;
    if (image) {
      spec.input = {one_to(7), one_to(7), one_to(3)};
      const std::uint32_t count = 1 + below(3);
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t kind = below(4);
        if (kind == 0) spec.layers.push_back(max_pool(disjoint_window()));
        if (kind == 1) spec.layers.push_back(average_pool(window()));
        if (kind >= 2) spec.layers.push_back(conv2d(one_to(4), window(), mask()));
        add_activation(spec);
        if (all_kinds_) add_further(spec);
      }
      if (below(5) == 0 && spec.layers.size() >= 2) return finish(spec);  // ends with an image
      spec.layers.push_back(all_kinds_ && below(2) == 0 ? global_average_pool() : flatten());
    } else {
      spec.input = {1, 1, one_to(5)};
    }
    const std::uint32_t count = 1 + below(2);
    for (std::uint32_t i = 0; i < count; ++i) {
      spec.layers.push_back(dense(one_to(13), mask()));
      add_activation(spec);
    }
    return finish(spec);
  }

  /// Layers of the later kinds. The others are drawn as they always were: tests name seeds.
  void add_further(NetSpec& spec) {
    if (below(3) == 0) spec.layers.push_back(rational(mask()));
    if (below(2) == 0) spec.layers.push_back(depthwise_conv2d(window(), mask()));
    if (below(2) == 0) spec.layers.push_back(group_norm(one_to(4), mask()));  // 4 groups: if they divide the channels
    add_activation(spec);
  }

  void add_activation(NetSpec& spec) {
    const std::uint32_t kind = below(3);
    if (kind == 0) spec.layers.push_back(relu());
    if (kind == 1) spec.layers.push_back(tanh());
  }

  NetSpec finish(NetSpec spec) {
    constexpr nn::Loss kLosses[] = {nn::Loss::kSoftmaxCrossEntropy, nn::Loss::kMeanSquaredError,
                                    nn::Loss::kMulticlassHinge};
    spec.loss = kLosses[below(3)];
    if (nn::has_labels(spec.loss)) {
      const nn::LayerKind last = spec.layers.back().kind;
      if (last == nn::LayerKind::kRelu || last == nn::LayerKind::kTanh) spec.layers.pop_back();
    }
    return spec;
  }

  std::mt19937 random_;
  bool all_kinds_;
};

/// For messages: what a failing random network looks like.
inline std::string describe(const NetSpec& spec) {
  static const char* const names[] = {"?",          "dense",   "conv2d", "max_pool",         "average_pool",
                                      "flatten",    "relu",    "tanh",   "depthwise_conv2d", "global_average_pool",
                                      "group_norm", "rational"};
  const nn::Shape in = spec.input;
  std::string text = std::to_string(in.height) + "x" + std::to_string(in.width) + "x" + std::to_string(in.channels);
  for (const nn::LayerSpec& layer : spec.layers) {
    text += std::string(" ") + names[static_cast<int>(layer.kind)];
    if (layer.units != 0) text += "(" + std::to_string(layer.units) + ")";
    if (layer.kernel_height != 0) {
      text += " k" + std::to_string(layer.kernel_height) + "," + std::to_string(layer.kernel_width) + " s" +
              std::to_string(layer.stride_height) + "," + std::to_string(layer.stride_width) +
              (layer.padding == nn::Padding::kSame ? " same" : " valid");
    }
    if (!layer.train_weights) text += " !w";
    if (!layer.train_bias) text += " !b";
  }
  return text + (spec.loss == nn::Loss::kSoftmaxCrossEntropy ? " cross-entropy"
                 : spec.loss == nn::Loss::kMulticlassHinge   ? " hinge"
                                                             : " squared error");
}

}  // namespace skink::test
