#include "model_text.hpp"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <vector>

#include "skink/common/host/files.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/planner.hpp"
#include "skink/common/wire/versions.hpp"

namespace skink::ctl {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

std::string format(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  const int length = std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return {line, static_cast<std::size_t>(length < 0 ? 0 : std::min<int>(length, sizeof line - 1))};
}

std::string shape_text(nn::Shape shape) {
  if (shape.is_flat()) return std::to_string(shape.channels);
  return format("%ux%ux%u", unsigned{shape.height}, unsigned{shape.width}, unsigned{shape.channels});
}

std::string layer_text(const nn::LayerSpec& spec) {
  const char* padding = spec.padding == nn::Padding::kSame ? "same" : "valid";
  const auto window = [&](const char* name) {
    return format("%s %ux%u, stride %ux%u, %s", name, unsigned{spec.kernel_height}, unsigned{spec.kernel_width},
                  unsigned{spec.stride_height}, unsigned{spec.stride_width}, padding);
  };
  switch (spec.kind) {
    case nn::LayerKind::kDense: return format("dense %u", unsigned{spec.units});
    case nn::LayerKind::kConv2d: return format("conv2d %u, ", unsigned{spec.units}) + window("kernel");
    case nn::LayerKind::kMaxPool: return window("max_pool");
    case nn::LayerKind::kAveragePool: return window("average_pool");
    case nn::LayerKind::kFlatten: return "flatten";
    case nn::LayerKind::kRelu: return "relu";
    case nn::LayerKind::kTanh: return "tanh";
  }
  return "unknown";
}

std::string tensor_text(const nn::Tensor& tensor, const std::vector<float>& parameters) {
  float low = parameters[tensor.offset];
  float high = low;
  double squares = 0;
  for (std::size_t e = tensor.offset; e < tensor.offset + std::size_t{tensor.count}; ++e) {
    low = std::min(low, parameters[e]);
    high = std::max(high, parameters[e]);
    squares += static_cast<double>(parameters[e]) * static_cast<double>(parameters[e]);
  }
  const double norm = std::sqrt(squares / tensor.count);
  return format("             %-8s %8u  %-9s  min %+.4f  max %+.4f  rms %.4f\n", tensor.is_bias ? "bias" : "weights",
                tensor.count, tensor.trainable ? "trainable" : "frozen", static_cast<double>(low),
                static_cast<double>(high), norm);
}

std::string reason_text(const std::string& path, Status status, const nn::BuildError& error) {
  std::string text = path + ": refused: " + status_text(status);
  if (status == Status::kTruncated) text += "; copy it again";
  if (status == Status::kDamaged) text += " (magic number, length or SHA-256); copy it again";
  if (status == Status::kNewerVersion) text += "; update this program";
  if (error.reason[0] != '\0') text += " (layer " + std::to_string(error.layer) + ": " + error.reason + ")";
  return text;
}

}  // namespace

Result<std::string> describe_model(const std::string& path) {
  const auto content = read_file(path);
  if (!content) return content.error();
  const Bytes bytes = bytes_of(*content);
  const model::ByteSource source = model::source_of(bytes);
  model::ModelInfo info;
  Status status = model::inspect(source, info);
  if (status != Status::kOk) return make_error(status, reason_text(path, status, info.build_error));
  const nn::Network& network = info.model.network;
  std::vector<float> parameters(network.parameter_count());
  status = model::read_parameters(source, info, 0, {parameters.data(), parameters.size()});
  if (status != Status::kOk) return make_error(status, reason_text(path, status, {}));

  char hex[2 * wire::kDigestBytes + 1];
  wire::to_hex(info.digest, hex);
  std::string text = format("model        %s\nsha256       %s\n", path.c_str(), hex);
  text += format("versions     format %u, arithmetic %u, protocol %u, codec %u\n", unsigned{wire::kModelFormatVersion},
                 unsigned{wire::kArithmeticVersion}, unsigned{wire::kProtocolVersion}, unsigned{wire::kCodecVersion});
  text += format("input        %s, stored * %.9g + %.9g\n", shape_text(network.input_shape()).c_str(),
                 static_cast<double>(info.model.input_scale), static_cast<double>(info.model.input_offset));
  std::size_t layer = 0;
  for (const nn::LayerPlan& plan : network.layers()) {
    text += format("layer %-6zu %s -> %s\n", layer, layer_text(plan.spec).c_str(), shape_text(plan.out).c_str());
    for (const nn::Tensor& tensor : network.tensors()) {
      if (tensor.layer == layer) text += tensor_text(tensor, parameters);
    }
    ++layer;
  }
  text += format("loss         %s\n",
                 network.loss() == nn::Loss::kSoftmaxCrossEntropy ? "softmax_cross_entropy" : "mean_squared_error");
  text += format("parameters   %zu, of them %zu trainable\n", network.parameter_count(), network.trainable_count());
  const nn::MemoryPlan online = nn::plan_memory(network, {1, 0, 0});
  const nn::MemoryPlan batch = nn::plan_memory(network, {8, 0, 0});
  text += format("to adapt     %zu bytes online: parameters %zu, activations %zu, input %zu, scratch %zu\n",
                 online.total, online.parameters, online.activations, online.inputs, online.scratch);
  text += format("             %zu bytes with mini-batches of 8 (%.2f times)\n", batch.total,
                 static_cast<double>(batch.total) / static_cast<double>(online.total));
  return text;
}

}  // namespace skink::ctl
