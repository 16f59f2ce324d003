#include "skink/host/experiment/layer_text.hpp"

#include <fmt/format.h>

namespace skink {

std::string shape_text(nn::Shape shape) {
  if (shape.is_flat()) return std::to_string(shape.channels);
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string layer_text(const nn::LayerSpec& spec) {
  const char* padding = spec.padding == nn::Padding::kSame ? "same" : "valid";
  const auto window = [&](const char* name) {
    return fmt::format("{} {}x{}, stride {}x{}, {}", name, spec.kernel_height, spec.kernel_width, spec.stride_height,
                       spec.stride_width, padding);
  };
  switch (spec.kind) {
    case nn::LayerKind::kDense: return fmt::format("dense {}", spec.units);
    case nn::LayerKind::kConv2d: return fmt::format("conv2d {}, ", spec.units) + window("kernel");
    case nn::LayerKind::kDepthwiseConv2d: return window("depthwise_conv2d, kernel");
    case nn::LayerKind::kMaxPool: return window("max_pool");
    case nn::LayerKind::kAveragePool: return window("average_pool");
    case nn::LayerKind::kGlobalAveragePool: return "global_average_pool";
    case nn::LayerKind::kGroupNorm: return fmt::format("group_norm, groups {}", spec.units);
    case nn::LayerKind::kFlatten: return "flatten";
    case nn::LayerKind::kRelu: return "relu";
    case nn::LayerKind::kTanh: return "tanh";
    case nn::LayerKind::kRational: return "rational";
  }
  return "unknown";
}

const char* loss_text(nn::Loss loss) {
  switch (loss) {
    case nn::Loss::kSoftmaxCrossEntropy: return "softmax_cross_entropy";
    case nn::Loss::kMeanSquaredError: return "mean_squared_error";
    case nn::Loss::kReconstruction: return "reconstruction";
    case nn::Loss::kMulticlassHinge: return "multiclass_hinge";
  }
  return "unknown";
}

}  // namespace skink
