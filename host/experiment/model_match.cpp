#include "skink/host/experiment/model_match.hpp"

#include <fmt/format.h>

#include <vector>

#include "skink/host/experiment/layer_text.hpp"
#include "skink/host/files/files.hpp"

namespace skink {
namespace {

constexpr std::size_t kMaxModelFileBytes = std::size_t{1} << 30;

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
std::string network_text(const nn::Network& network, Trainable trainable) {
  std::string text = network.layers().size() == 0 ? "" : shape_text(network.layers()[0].in);
  for (const nn::LayerPlan& layer : network.layers()) {
    text += " - " + layer_text(layer.spec);
    if (trainable == Trainable::kIsSame) text += trainable_text(layer.spec);
  }
  return text + ", " + loss_text(network.loss());
}

/// The scales, then the offsets.
std::vector<float> scales_of(const model::InputScale& input) {
  if (input.count == 1) return {input.scale, input.offset};
  std::vector<float> numbers(input.scales, input.scales + input.count);
  numbers.insert(numbers.end(), input.offsets, input.offsets + input.count);
  return numbers;
}

std::string input_text(const std::vector<float>& numbers) {
  if (numbers.size() == 2) return fmt::format("input_scale = {} and input_offset = {}", numbers[0], numbers[1]);
  return fmt::format("{} of each input_scale and input_offset, the first {} and {}", numbers.size() / 2, numbers[0],
                     numbers[numbers.size() / 2]);
}

}  // namespace

Result<void> match_model(Bytes file, const std::string& path, const model::Model& wanted, Trainable trainable) {
  model::ModelInfo info;
  const model::ByteSource source = model::source_of(file);
  const Status status = model::inspect(source, info);
  if (status != Status::kOk) return unsound(status, path);
  const std::string there = network_text(info.model.network, trainable);
  const std::string here = network_text(wanted.network, trainable);
  if (there != here) {
    return refuse(Status::kShapeMismatch, path,
                  fmt::format("is a sound model, but not a model of this experiment: its network is\n  {}\nand [model] "
                              "says\n  {}",
                              there, here));
  }
  std::vector<float> numbers(2 * info.model.input.count);
  if (model::read_input_scales(source, info, {numbers.data(), numbers.size()}) != Status::kOk) {
    return unsound(Status::kDamaged, path);
  }
  const std::vector<float> expected = scales_of(wanted.input);
  if (numbers == expected) return {};
  return refuse(Status::kShapeMismatch, path,
                fmt::format("is a sound model, but not a model of this experiment: it was trained with {}, and [model] "
                            "says {}",
                            input_text(numbers), input_text(expected)));
}

ExperimentModel::ExperimentModel(const ModelConfig& config)
    : scale_(config.input_scale),
      offset_(config.input_offset),
      model_{make_network(config),
             {scale_.size(), scale_.front(), offset_.front(), scale_.data(), offset_.data()},
             {config.personal.inner_learning_rate, config.personal.passes, config.personal.batch_size}} {}

namespace {

std::string hex_of(const crypto::Digest& digest) {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest, hex);
  return hex;
}

Result<std::string> read_model(const std::string& path) {
  auto file = read_file(path, kMaxModelFileBytes);
  if (!file) return because(file.error(), Cause::kData);
  return file;
}

}  // namespace

Result<void> set_initial_model(Experiment& experiment, Bytes file, const std::string& path) {
  InitialModel& init = experiment.init;
  if (init.is_random()) {
    return make_error(Status::kInvalidArgument, path + ": the experiment begins at random (init = \"random\")",
                      Cause::kConfiguration);
  }
  const ExperimentModel wanted(experiment.model);
  auto matched = match_model(file, path, wanted.get(), Trainable::kMayDiffer);
  if (!matched) return matched;
  model::ModelInfo info;
  const model::ByteSource source = model::source_of(file);
  (void)model::inspect(source, info);  // match_model() has
  if (init.digest != hex_of(info.digest)) {
    return make_error(
        Status::kInvalidArgument,
        path + ": is the model " + hex_of(info.digest) + ", and the experiment begins with " + init.digest + " (init)",
        Cause::kConfiguration);
  }
  std::vector<float> parameters(wanted.get().network.parameter_count());
  if (model::read_parameters(source, info, 0, {parameters.data(), parameters.size()}) != Status::kOk) {
    return unsound(Status::kDamaged, path);
  }
  init.parameters = std::make_shared<const std::vector<float>>(std::move(parameters));
  return {};
}

Result<std::vector<std::uint8_t>> find_initial_model(Experiment& experiment, const std::string& path) {
  if (path.empty()) {
    if (experiment.init.is_found()) return std::vector<std::uint8_t>();
    return make_error(
        Status::kInvalidArgument,
        "the experiment begins with the model " + experiment.init.digest + " (init); give its file with --init",
        Cause::kConfiguration);
  }
  const auto file = read_model(path);
  if (!file) return file.error();
  const auto set = set_initial_model(experiment, bytes_of(*file), path);
  if (!set) return set.error();
  return std::vector<std::uint8_t>(file->begin(), file->end());
}

Result<std::string> model_digest(const std::string& path) {
  const auto file = read_model(path);
  if (!file) return file.error();
  model::ModelInfo info;
  const Status status = model::inspect(model::source_of(bytes_of(*file)), info);
  if (status != Status::kOk) return unsound(status, path);
  return hex_of(info.digest);
}

}  // namespace skink
