#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

#include "experiment_sections.hpp"

namespace skink {
namespace {

constexpr IntegerRange kExtentRange{1, std::numeric_limits<std::uint16_t>::max()};
constexpr IntegerRange kWindowRange{1, std::numeric_limits<std::uint8_t>::max()};
constexpr RealRange kGainRange{0.0, 1000.0, true};
constexpr RealRange kSlopeRange{-1000.0, 1000.0};
constexpr RealRange kInputRange{-4096.0, 4096.0};
constexpr RealRange kScaleRange{-1e9, 1e9};

enum class Trainable { kAll, kNone, kWeights, kBias };

struct Window {
  std::uint8_t height;
  std::uint8_t width;
};

/// n along a series.
Window read_extent(const ConfigReader& reader, std::string_view key, std::optional<Window> fallback) {
  std::optional<std::int64_t> value;
  if (fallback) value = fallback->height;
  return {static_cast<std::uint8_t>(reader.integer(key, kWindowRange, value)), 1};
}

/// n or [h, w].
Window read_window(const ConfigReader& reader, std::string_view key, std::optional<Window> fallback) {
  std::optional<std::vector<std::int64_t>> values;
  if (fallback) values = std::vector<std::int64_t>{fallback->height, fallback->width};
  values = reader.integers(key, {1, 2}, kWindowRange, values);
  return {static_cast<std::uint8_t>(values->front()), static_cast<std::uint8_t>(values->back())};
}

void read_initializer(const ConfigReader& reader, LayerConfig& layer) {
  const auto initializer = reader.selector<Initializer>(
      "initializer",
      {{"he_uniform", Initializer::kHeUniform}, {"kinks", Initializer::kKinks}, {"zeros", Initializer::kZeros}},
      Initializer::kHeUniform);
  if (!initializer) return;
  layer.initializer = *initializer;
  if (layer.initializer == Initializer::kHeUniform) {
    layer.gain = reader.real32("gain", kGainRange, 1.0F);
  } else {
    reader.forbid("gain", "belongs to initializer = \"he_uniform\"");
  }
  if (layer.initializer == Initializer::kKinks) {
    const auto slopes = reader.interval("slopes", kSlopeRange);
    const auto inputs = reader.interval("inputs", kInputRange);
    layer.slope_min = slopes[0];
    layer.slope_max = slopes[1];
    layer.input_min = inputs[0];
    layer.input_max = inputs[1];
  } else {
    reader.forbid("slopes", "belongs to initializer = \"kinks\"");
    reader.forbid("inputs", "belongs to initializer = \"kinks\"");
  }
}

void read_trainable(const ConfigReader& reader, nn::LayerSpec& spec) {
  const auto trainable = reader.choice<Trainable>("trainable",
                                                  {{"all", Trainable::kAll},
                                                   {"none", Trainable::kNone},
                                                   {"weights", Trainable::kWeights},
                                                   {"bias", Trainable::kBias}},
                                                  Trainable::kAll);
  spec.train_weights = trainable == Trainable::kAll || trainable == Trainable::kWeights;
  spec.train_bias = trainable == Trainable::kAll || trainable == Trainable::kBias;
}

/// Keys of layers with parameters that are drawn.
void read_parameters(const ConfigReader& reader, LayerConfig& layer) {
  read_initializer(reader, layer);
  read_trainable(reader, layer.spec);
}

/// Keys of convolutions and pools.
void read_windows(const ConfigReader& reader, bool is_series, nn::LayerSpec& spec) {
  const auto read = is_series ? &read_extent : &read_window;
  const Window kernel = read(reader, "kernel", std::nullopt);
  const Window stride = read(reader, "stride", nn::has_parameters(spec.kind) ? Window{1, 1} : kernel);
  spec.kernel_height = kernel.height;
  spec.kernel_width = kernel.width;
  spec.stride_height = stride.height;
  spec.stride_width = stride.width;
  spec.padding = reader.choice<nn::Padding>("padding", {{"valid", nn::Padding::kValid}, {"same", nn::Padding::kSame}},
                                            nn::Padding::kValid);
}

/// A kind, or a kind over a series [n, channels], whose windows are one number.
struct LayerType {
  nn::LayerKind kind = nn::LayerKind::kDense;
  bool is_series = false;
};

std::optional<LayerType> read_type(const ConfigReader& reader) {
  using nn::LayerKind;
  return reader.selector<LayerType>("type", {{"dense", {LayerKind::kDense}},
                                             {"conv2d", {LayerKind::kConv2d}},
                                             {"conv1d", {LayerKind::kConv2d, true}},
                                             {"depthwise_conv2d", {LayerKind::kDepthwiseConv2d}},
                                             {"depthwise_conv1d", {LayerKind::kDepthwiseConv2d, true}},
                                             {"max_pool", {LayerKind::kMaxPool}},
                                             {"max_pool1d", {LayerKind::kMaxPool, true}},
                                             {"average_pool", {LayerKind::kAveragePool}},
                                             {"average_pool1d", {LayerKind::kAveragePool, true}},
                                             {"global_average_pool", {LayerKind::kGlobalAveragePool}},
                                             {"group_norm", {LayerKind::kGroupNorm}},
                                             {"flatten", {LayerKind::kFlatten}},
                                             {"relu", {LayerKind::kRelu}},
                                             {"tanh", {LayerKind::kTanh}},
                                             {"rational", {LayerKind::kRational}}});
}

LayerConfig read_layer(const ConfigReader& reader) {
  using nn::LayerKind;
  LayerConfig layer;
  const std::optional<LayerType> type = read_type(reader);
  if (!type) return layer;
  layer.spec.kind = type->kind;
  switch (layer.spec.kind) {
    case LayerKind::kDense:
      layer.spec.units = static_cast<std::uint16_t>(reader.integer("units", kExtentRange));
      read_parameters(reader, layer);
      break;
    case LayerKind::kConv2d:
      layer.spec.units = static_cast<std::uint16_t>(reader.integer("filters", kExtentRange));
      read_windows(reader, type->is_series, layer.spec);
      read_parameters(reader, layer);
      break;
    case LayerKind::kDepthwiseConv2d:
      read_windows(reader, type->is_series, layer.spec);
      read_parameters(reader, layer);
      break;
    case LayerKind::kMaxPool:
    case LayerKind::kAveragePool: read_windows(reader, type->is_series, layer.spec); break;
    case LayerKind::kGroupNorm:
      layer.spec.units = static_cast<std::uint16_t>(reader.integer("groups", kExtentRange));
      read_trainable(reader, layer.spec);
      break;
    case LayerKind::kRational: read_trainable(reader, layer.spec); break;
    case LayerKind::kGlobalAveragePool:
    case LayerKind::kFlatten:
    case LayerKind::kRelu:
    case LayerKind::kTanh: break;
  }
  return layer;
}

nn::Shape read_input_shape(const ConfigReader& reader) {
  const std::vector<std::int64_t> extents = reader.integers("input", {1, 3}, kExtentRange);
  const auto extent = [&extents](std::size_t i) { return static_cast<std::uint16_t>(extents[i]); };
  if (extents.size() == 2) return {extent(0), 1, extent(1)};
  if (extents.size() == 3) return {extent(0), extent(1), extent(2)};
  return {1, 1, extent(0)};
}

/// One number each, or one for each channel or for each number of the input; a lone one goes with any list.
void read_input_scale(const ConfigReader& reader, ModelConfig& model) {
  constexpr IntegerRange kCount{1, 65535};
  model.input_scale = reader.reals32("input_scale", kCount, kScaleRange, std::vector<float>{1.0F});
  model.input_offset = reader.reals32("input_offset", kCount, kScaleRange, std::vector<float>{0.0F});
  for (const float scale : model.input_scale) {
    if (scale == 0.0F) reader.problem("input_scale", "0 is not allowed: every input would be the same");
  }
  struct List {
    const char* key;
    std::vector<float>& numbers;
  };
  const std::size_t count = std::max(model.input_scale.size(), model.input_offset.size());
  for (const auto& [key, numbers] :
       {List{"input_scale", model.input_scale}, List{"input_offset", model.input_offset}}) {
    const std::size_t size = numbers.size();
    if (size == 1) continue;
    if (size != model.input.channels && size != model.input.count()) {
      reader.problem(key, "has " + std::to_string(size) + " numbers, wanted 1, " +
                              std::to_string(model.input.channels) + " (one for each channel) or " +
                              std::to_string(model.input.count()) + " (one for each number of the input)");
      return;
    }
  }
  for (const auto& [key, numbers] :
       {List{"input_scale", model.input_scale}, List{"input_offset", model.input_offset}}) {
    if (numbers.size() == 1) numbers.resize(count, numbers.front());
    if (numbers.size() != count)
      reader.problem(key, "wanted " + std::to_string(count) + " numbers, as many as the other");
  }
}

std::vector<nn::LayerSpec> specs_of(const ModelConfig& model) {
  std::vector<nn::LayerSpec> specs;
  for (const LayerConfig& layer : model.layers) specs.push_back(layer.spec);
  return specs;
}

Status build(const ModelConfig& model, nn::Network& network, nn::BuildError& error) {
  const std::vector<nn::LayerSpec> specs = specs_of(model);
  return nn::Network::build(model.input, {specs.data(), specs.size()}, model.loss, network, error);
}

/// Sine tasks are one number in, one number out; few-shot tasks one class out of `ways`. What needs the data set is
/// checked with it.
void check_outputs(const ConfigReader& reader, const nn::Network& network, const TaskConfig& task) {
  if (task.source == TaskSource::kSine) {
    if (network.input_size() != 1) reader.problem("input", "the task's source \"sine\" needs input = [1]");
    if (network.output_size() != 1) {
      reader.problem("layers", "the task's source \"sine\" needs 1 output, the last layer gives " +
                                   std::to_string(network.output_size()));
    }
    if (network.loss() != nn::Loss::kMeanSquaredError) {
      reader.problem("loss", "the task's source \"sine\" needs \"mean_squared_error\"");
    }
    return;
  }
  const bool classifies = nn::has_labels(network.loss());
  if (classifies && task.labels == TaskLabels::kPermuted && task.ways != 0 && network.output_size() != task.ways) {
    reader.problem("layers", "the last layer gives " + std::to_string(network.output_size()) +
                                 " outputs, but [task] ways is " + std::to_string(task.ways));
  }
}

}  // namespace

namespace internal {

ModelReaders read_model(const ConfigReader& root, ModelConfig& model) {
  const ConfigReader reader = root.table("model", Presence::kRequired);
  model.input = read_input_shape(reader);
  read_input_scale(reader, model);
  model.loss = reader.choice<nn::Loss>("loss", {{"mean_squared_error", nn::Loss::kMeanSquaredError},
                                                {"softmax_cross_entropy", nn::Loss::kSoftmaxCrossEntropy},
                                                {"multiclass_hinge", nn::Loss::kMulticlassHinge},
                                                {"reconstruction", nn::Loss::kReconstruction}});
  ModelReaders readers{reader, reader.tables("layers", {1, nn::kMaxLayers})};
  for (const ConfigReader& layer : readers.layers) model.layers.push_back(read_layer(layer));
  return readers;
}

void check_model(const ModelReaders& readers, const ModelConfig& model, const TaskConfig& task) {
  nn::Network network;
  nn::BuildError error;
  if (build(model, network, error) != Status::kOk) {
    const bool is_layer = error.layer < readers.layers.size();
    is_layer ? readers.layers[error.layer].problem("", error.reason) : readers.model.problem("loss", error.reason);
    return;
  }
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const bool is_dense = model.layers[i].spec.kind == nn::LayerKind::kDense;
    const bool has_kinks = model.layers[i].initializer == Initializer::kKinks;
    if (has_kinks && (!is_dense || network.layers()[i].in.size() != 1)) {
      readers.layers[i].problem("initializer", "\"kinks\" is for dense layers with one input, this one is not");
    }
  }
  check_outputs(readers.model, network, task);
}

}  // namespace internal

bool operator==(const LayerConfig& a, const LayerConfig& b) {
  const auto of = [](const LayerConfig& layer) {
    const nn::LayerSpec& spec = layer.spec;
    return std::make_tuple(spec.kind, spec.units, spec.kernel_height, spec.kernel_width, spec.stride_height,
                           spec.stride_width, spec.padding, spec.train_weights, spec.train_bias, layer.initializer,
                           layer.gain, layer.slope_min, layer.slope_max, layer.input_min, layer.input_max);
  };
  return of(a) == of(b);
}

nn::Network make_network(const ModelConfig& model) {
  nn::Network network;
  nn::BuildError error;
  if (build(model, network, error) != Status::kOk) {
    throw std::logic_error("layer " + std::to_string(error.layer) + " of an unchecked model: " + error.reason);
  }
  return network;
}

}  // namespace skink
