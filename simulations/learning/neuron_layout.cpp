#include "neuron_layout.hpp"

#include <algorithm>

#include "row_plan.hpp"

namespace skink::simulations {
namespace {

constexpr std::size_t kManyInputs = 64;  // with fewer, looking for zeros costs more than it saves

/// Tensors of a layer follow one another, its bias is the last.
std::size_t bias_count(const nn::Network& network, const nn::LayerPlan& plan) {
  for (const nn::Tensor& tensor : network.tensors()) {
    if (tensor.is_bias && tensor.offset == plan.bias) return tensor.count;
  }
  return 0;
}

}  // namespace

NeuronLayout::NeuronLayout(const nn::Network& network, std::uint32_t lanes)
    : network_(network),
      lanes_(lanes),
      places_(network.parameter_count()),
      second_places_(network.parameter_count(), NeuronLayer::kNone) {
  input_stride_ = padded(network_.input_size());
  scratch_size_ = std::max<std::size_t>(input_stride_, padded(network_.scratch_count()));
  workspace_size_ = input_stride_;
  slots_.push_back({0, 0});
  for (const nn::LayerPlan& plan : network_.layers()) add_layer(row_plan(plan));
  primary_size_ = image_size_;
  for (NeuronLayer& layer : layers_) place_rows(layer);
  const NeuronLayer* first = nullptr;
  for (const NeuronLayer& layer : layers_) {
    if (first == nullptr && nn::has_parameters(layer.plan.spec.kind)) first = &layer;
  }
  has_sparse_rows_ = first != nullptr && first->form == NeuronLayer::Form::kColumns && first->x == 0 &&
                     network_.input_size() >= kManyInputs;
  if (has_sparse_rows_) row_size_ = first->padded_outputs;
}

std::uint32_t NeuronLayout::padded(std::size_t count) const {
  return static_cast<std::uint32_t>((count + lanes_ - 1) / lanes_ * lanes_);
}

/// Where the numbers at `offset` of nn::Network's workspace begin in ours.
std::uint32_t NeuronLayout::place_slot(std::uint32_t offset) {
  for (const Slot& slot : slots_) {
    if (slot.offset == offset) return slot.place;
  }
  slots_.push_back({offset, static_cast<std::uint32_t>(workspace_size_)});
  return slots_.back().place;
}

void NeuronLayout::add_layer(const nn::LayerPlan& plan) {
  NeuronLayer layer;
  layer.plan = plan;
  layer.padded_inputs = padded(plan.in.size());
  layer.padded_outputs = padded(plan.out.size());
  layer.x = place_slot(plan.in_offset);
  layer.y = place_slot(plan.out_offset);
  if (layer.y == workspace_size_) workspace_size_ += layer.padded_outputs;
  if (plan.spec.kind == nn::LayerKind::kConv2d) frame_convolution(layer);
  scratch_size_ = std::max({scratch_size_, std::size_t{layer.padded_inputs}, plan.out.size() * lanes_});
  place_weights(layer);
  layers_.push_back(layer);
}

void NeuronLayout::place_weights(NeuronLayer& layer) {
  const nn::LayerPlan& plan = layer.plan;
  if (!nn::has_parameters(plan.spec.kind)) return;
  const std::size_t inputs = plan.in.size();
  const std::size_t outputs = plan.out.size();
  const auto begin = static_cast<std::uint32_t>(image_size_);
  const std::uint32_t weight_count = plan.bias - plan.weights;
  if (plan.spec.kind == nn::LayerKind::kConv2d) {
    layer.form = NeuronLayer::Form::kFilters;
    place_columns(layer, plan.spec.units, static_cast<std::uint32_t>(layer.window_size()), layer.padded_filters);
  } else if (plan.spec.kind != nn::LayerKind::kDense) {
    layer.weights = begin;
    for (std::uint32_t e = 0; e < weight_count; ++e) places_[plan.weights + e] = begin + e;
    image_size_ += padded(weight_count);
  } else if (outputs == 1) {
    layer.form = NeuronLayer::Form::kRow;
    layer.rows = begin;
    for (std::uint32_t i = 0; i < inputs; ++i) places_[plan.weights + i] = begin + i;
    image_size_ += layer.padded_inputs;
  } else {
    layer.form = NeuronLayer::Form::kColumns;
    place_columns(layer, static_cast<std::uint32_t>(outputs), static_cast<std::uint32_t>(inputs), layer.padded_outputs);
  }
  layer.bias = static_cast<std::uint32_t>(image_size_);
  const std::size_t biases = bias_count(network_, plan);
  for (std::uint32_t o = 0; o < biases; ++o) places_[plan.bias + o] = layer.bias + o;
  image_size_ += padded(biases);
}

void NeuronLayout::place_columns(NeuronLayer& layer, std::uint32_t neurons, std::uint32_t inputs,
                                 std::uint32_t padded_neurons) {
  layer.columns = static_cast<std::uint32_t>(image_size_);
  for (std::uint32_t o = 0; o < neurons; ++o) {
    for (std::uint32_t i = 0; i < inputs; ++i) {
      places_[layer.plan.weights + o * inputs + i] = layer.columns + i * padded_neurons + o;
    }
  }
  image_size_ += std::size_t{inputs} * padded_neurons;
}

/// Sizes of a convolution, and the scratch memory that it needs (struct Convolution).
void NeuronLayout::frame_convolution(NeuronLayer& layer) {
  const nn::LayerPlan& plan = layer.plan;
  const nn::LayerSpec& spec = plan.spec;
  const auto extent = [](std::uint32_t in, std::uint32_t pad, std::uint32_t out, std::uint32_t stride,
                         std::uint32_t kernel) { return std::max(pad + in, (out - 1) * stride + kernel); };
  layer.frame_height = extent(plan.in.height, plan.pad_top, plan.out.height, spec.stride_height, spec.kernel_height);
  layer.frame_width = extent(plan.in.width, plan.pad_left, plan.out.width, spec.stride_width, spec.kernel_width);
  layer.padded_filters = padded(spec.units);
  layer.padded_channels = padded(plan.in.channels);
  const std::size_t cells = std::size_t{layer.frame_height} * layer.frame_width;
  layer.frame_size = padded(cells * plan.in.channels);
  workspace_size_ += lanes_;  // rows of filters that are shorter than a vector spill
  scratch_size_ = std::max(scratch_size_, layer.frame_size + layer.gradient_size() + layer.transposed_size() +
                                              cells * layer.padded_channels);
}

void NeuronLayout::place_rows(NeuronLayer& layer) {
  if (layer.form != NeuronLayer::Form::kColumns || !layer.plan.propagates) return;
  const auto inputs = static_cast<std::uint32_t>(layer.plan.in.size());
  layer.rows = static_cast<std::uint32_t>(image_size_);
  for (std::uint32_t o = 0; o < layer.plan.out.size(); ++o) {
    for (std::uint32_t i = 0; i < inputs; ++i) {
      second_places_[layer.plan.weights + o * inputs + i] = layer.rows + o * layer.padded_inputs + i;
    }
  }
  image_size_ += layer.plan.out.size() * layer.padded_inputs;
}

void NeuronLayout::load(const float* parameters, float* image) const {
  std::fill_n(image, image_size_, 0.0F);
  for (std::size_t e = 0; e < places_.size(); ++e) {
    image[places_[e]] = parameters[e];
    if (second_places_[e] != NeuronLayer::kNone) image[second_places_[e]] = parameters[e];
  }
}

void NeuronLayout::store(const float* image, float* parameters) const {
  for (std::size_t e = 0; e < places_.size(); ++e) parameters[e] = image[places_[e]];
}

}  // namespace skink::simulations
