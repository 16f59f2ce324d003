#include "skink/simulations/bench.hpp"

namespace skink::simulations {
namespace {

LayerConfig dense(std::uint16_t units, float gain) {
  LayerConfig layer;
  layer.spec.kind = nn::LayerKind::kDense;
  layer.spec.units = units;
  layer.gain = gain;
  return layer;
}

LayerConfig conv(std::uint16_t filters) {
  LayerConfig layer;
  layer.spec.kind = nn::LayerKind::kConv2d;
  layer.spec.units = filters;
  layer.spec.kernel_height = layer.spec.kernel_width = 3;
  layer.spec.stride_height = layer.spec.stride_width = 2;
  layer.spec.padding = nn::Padding::kSame;
  return layer;
}

LayerConfig plain(nn::LayerKind kind) {
  LayerConfig layer;
  layer.spec.kind = kind;
  return layer;
}

std::vector<BenchNet> make_nets() {
  const LayerConfig relu = plain(nn::LayerKind::kRelu);
  const LayerConfig flatten = plain(nn::LayerKind::kFlatten);
  BenchNet sine{"sine", {}, 1.0F, 128};
  sine.model.input = {1, 1, 1};
  sine.model.layers = {dense(32, 0.5F), relu, dense(32, 1.0F), relu, dense(1, 0.5F)};
  BenchNet mlp{"mlp", {}, 0.081F, 64};  // the ink of Omniglot's drawings at 28 x 28
  mlp.model.input = {28, 28, 1};
  mlp.model.loss = nn::Loss::kSoftmaxCrossEntropy;
  mlp.model.layers = {flatten, dense(64, 2.0F), relu, dense(32, 1.0F), relu, dense(5, 0.3F)};
  BenchNet conv_net{"conv", {}, 0.081F, 32};
  conv_net.model.input = {28, 28, 1};
  conv_net.model.loss = nn::Loss::kSoftmaxCrossEntropy;
  conv_net.model.layers = {conv(8), relu, conv(16), relu, flatten, dense(5, 0.3F)};
  return {sine, mlp, conv_net};
}

/// Taps of all windows along one axis that are not in the padding.
double taps_inside(std::size_t outputs, std::size_t stride, std::size_t kernel, std::size_t pad, std::size_t inputs) {
  std::size_t taps = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t k = 0; k < kernel; ++k) {
      const std::size_t place = o * stride + k;
      if (place >= pad && place - pad < inputs) ++taps;
    }
  }
  return static_cast<double>(taps);
}

/// Multiply-accumulates of one forward pass. What pools, activations and normalisations compute is not counted.
double multiply_accumulates(const nn::LayerPlan& plan) {
  if (plan.spec.kind == nn::LayerKind::kDense) return static_cast<double>(plan.in.size() * plan.out.size());
  const nn::LayerSpec& spec = plan.spec;
  const bool is_depthwise = spec.kind == nn::LayerKind::kDepthwiseConv2d;
  if (spec.kind != nn::LayerKind::kConv2d && !is_depthwise) return 0;
  return taps_inside(plan.out.height, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height) *
         taps_inside(plan.out.width, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width) *
         plan.in.channels * (is_depthwise ? 1 : spec.units);
}

}  // namespace

const std::vector<BenchNet>& bench_nets() {
  static const std::vector<BenchNet> nets = make_nets();
  return nets;
}

Result<BenchNet> bench_net_of(const std::string& experiment_file) {
  const auto experiment = read_experiment(experiment_file);
  if (!experiment) return experiment.error();
  return BenchNet{experiment->name, experiment->model, 1.0F, experiment->meta.cohort};
}

double forward_operations(const nn::LayerPlan& plan) { return 2 * multiply_accumulates(plan); }

double backward_operations(const nn::LayerPlan& plan) {
  const int passes = (plan.propagates ? 1 : 0) + (plan.moves_weights ? 1 : 0);
  return 2 * passes * multiply_accumulates(plan);
}

double operations_per_device_round(const nn::Network& network, std::uint32_t support_size) {
  double step = 0;
  for (const nn::LayerPlan& plan : network.layers()) step += forward_operations(plan) + backward_operations(plan);
  return support_size * step + 3 * static_cast<double>(network.parameter_count());
}

}  // namespace skink::simulations
