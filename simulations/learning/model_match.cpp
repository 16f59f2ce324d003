#include "model_match.hpp"

#include <fmt/format.h>

#include "skink/host/experiment/layer_text.hpp"

namespace skink::simulations {
namespace {

Error refuse(Status status, const std::string& path, const std::string& why) {
  return make_error(status, path + ": " + why, Cause::kData);
}

/// What is wrong with a file that inspect() refuses.
Error unsound(Status status, const std::string& path) {
  switch (status) {
    case Status::kTruncated: return refuse(status, path, "is cut short, or no model file; copy it again");
    case Status::kNewerVersion:
    case Status::kUnsupported:
      return refuse(status, path, "is a model file of another version of Skink; use the skink-sim that wrote it");
    case Status::kNotFinite: return refuse(status, path, "holds a parameter that is not finite");
    default: return refuse(status, path, "is damaged, or no model file; copy it again");
  }
}

const char* trainable_text(const nn::LayerSpec& spec) {
  if (!nn::has_parameters(spec.kind) || (spec.train_weights && spec.train_bias)) return "";
  if (spec.train_weights) return " (trainable: weights)";
  return spec.train_bias ? " (trainable: bias)" : " (trainable: none)";
}

/// "784 - dense 64 - relu - dense 5, softmax_cross_entropy"
std::string network_text(const nn::Network& network) {
  std::string text = network.layers().size() == 0 ? "" : shape_text(network.layers()[0].in);
  for (const nn::LayerPlan& layer : network.layers()) {
    text += " - " + layer_text(layer.spec) + trainable_text(layer.spec);
  }
  const bool classifies = network.loss() == nn::Loss::kSoftmaxCrossEntropy;
  return text + (classifies ? ", softmax_cross_entropy" : ", mean_squared_error");
}

std::string input_text(const model::Model& model) {
  return fmt::format("input_scale = {} and input_offset = {}", model.input_scale, model.input_offset);
}

}  // namespace

Result<void> match_model(Bytes file, const std::string& path, const model::Model& wanted) {
  model::ModelInfo info;
  const Status status = model::inspect(model::source_of(file), info);
  if (status != Status::kOk) return unsound(status, path);
  const std::string there = network_text(info.model.network);
  const std::string here = network_text(wanted.network);
  if (there != here) {
    return refuse(Status::kShapeMismatch, path,
                  fmt::format("is a sound model, but not a model of this experiment: its network is\n  {}\nand [model] "
                              "says\n  {}",
                              there, here));
  }
  if (info.model.input_scale == wanted.input_scale && info.model.input_offset == wanted.input_offset) return {};
  return refuse(Status::kShapeMismatch, path,
                fmt::format("is a sound model, but not a model of this experiment: it was trained with {}, and [model] "
                            "says {}",
                            input_text(info.model), input_text(wanted)));
}

}  // namespace skink::simulations
