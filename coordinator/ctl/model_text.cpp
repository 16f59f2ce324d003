#include "model_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/planner.hpp"
#include "skink/common/wire/versions.hpp"
#include "skink/host/experiment/layer_text.hpp"
#include "skink/host/files/files.hpp"

namespace skink::ctl {
namespace {

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
  return fmt::format("             {:<8} {:>8}  {:<9}  min {:+.4f}  max {:+.4f}  rms {:.4f}\n",
                     tensor.is_bias ? "bias" : "weights", tensor.count, tensor.trainable ? "trainable" : "frozen", low,
                     high, norm);
}

/// One scale, or the range of several.
std::string scale_text(const model::InputScale& input, const std::vector<float>& numbers) {
  if (input.count == 1) return fmt::format("stored * {:.9g} + {:.9g}", input.scale, input.offset);
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(input.count);
  const auto [least_scale, most_scale] = std::minmax_element(numbers.begin(), middle);
  const auto [least_offset, most_offset] = std::minmax_element(middle, numbers.end());
  return fmt::format("stored * scale + offset, {} of each: {:.4g} to {:.4g}, {:.4g} to {:.4g}", input.count,
                     *least_scale, *most_scale, *least_offset, *most_offset);
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
  std::vector<float> scales(2 * info.model.input.count);
  if (status == Status::kOk) status = model::read_input_scales(source, info, {scales.data(), scales.size()});
  if (status != Status::kOk) return make_error(status, reason_text(path, status, {}));

  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(info.digest, hex);
  std::string text = fmt::format("model        {}\nsha256       {}\n", path, hex);
  text += fmt::format("versions     format {}, arithmetic {}, protocol {}, codec {}\n", wire::kModelFormatVersion,
                      wire::kArithmeticVersion, wire::kProtocolVersion, wire::kCodecVersion);
  text += fmt::format("input        {}, {}\n", shape_text(network.input_shape()), scale_text(info.model.input, scales));
  std::size_t layer = 0;
  for (const nn::LayerPlan& plan : network.layers()) {
    text += fmt::format("layer {:<6} {} -> {}\n", layer, layer_text(plan.spec), shape_text(plan.out));
    for (const nn::Tensor& tensor : network.tensors()) {
      if (tensor.layer == layer) text += tensor_text(tensor, parameters);
    }
    ++layer;
  }
  text += fmt::format("loss         {}\n", loss_text(network.loss()));
  text += fmt::format("parameters   {}, of them {} trainable\n", network.parameter_count(), network.trainable_count());
  nn::PlanRequest request;
  request.input_scales = info.model.input.count;
  const nn::MemoryPlan online = nn::plan_memory(network, request);
  request.batch_size = 8;
  const nn::MemoryPlan batch = nn::plan_memory(network, request);
  text += fmt::format("to adapt     {} bytes online: parameters {}, activations {}, input {}, scratch {}\n",
                      online.total, online.parameters, online.activations, online.inputs, online.scratch);
  text += fmt::format("             {} bytes with mini-batches of 8 ({:.2f} times)\n", batch.total,
                      static_cast<double>(batch.total) / static_cast<double>(online.total));
  return text;
}

}  // namespace skink::ctl
