#pragma once
/// @file
/// How one device's numbers lie for neuron lanes, whose lanes are neighbouring neurons of a layer instead of devices.
///
/// An image holds the parameters, each row padded with zeros to whole vectors. A dense layer's weights are there as
/// "columns" (for each input the weights of all neurons: forward pass and update) and, where an input gradient is
/// needed, also as "rows" (for each neuron the weights of all inputs); both copies get the same updates. A convolution
/// has columns only, for each number of a window the weights of all filters. The primary
/// part of an image comes first and holds every parameter once; second copies follow. Activations lie as in
/// nn::Network, each layer's padded. Padding stays zero through every pass, so it never needs a mask.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "skink/common/nn/network.hpp"

namespace skink::simulations {

struct NeuronLayer {
  enum class Form : std::uint8_t {
    kColumns,  ///< dense
    kRow,      ///< dense with one output: columns would be as long as one number
    kFilters,  ///< conv2d
    kPlain,    ///< anything else: as in nn::Network, computed without lanes
  };
  static constexpr std::uint32_t kNone = 0xffffffff;

  nn::LayerPlan plan;
  Form form = Form::kPlain;
  std::uint32_t x = 0;  ///< offset of the inputs in the workspace
  std::uint32_t y = 0;
  std::uint32_t padded_inputs = 0;
  std::uint32_t padded_outputs = 0;
  std::uint32_t columns = kNone;  ///< offset in an image: [inputs][padded_outputs]
  std::uint32_t rows = kNone;     ///< [outputs][padded_inputs]
  std::uint32_t weights = kNone;  ///< kPlain
  std::uint32_t bias = kNone;     ///< [padded_outputs]; kFilters: [padded_filters]

  // kFilters; its columns are [window][padded_filters]. The frame is the input with its padding, so that windows are
  // whole.
  std::uint32_t padded_filters = 0;
  std::uint32_t padded_channels = 0;
  std::uint32_t frame_height = 0;
  std::uint32_t frame_width = 0;
  std::uint32_t frame_size = 0;  ///< numbers, to whole vectors
  std::size_t window_size() const { return taps() * plan.in.channels; }
  std::size_t gradient_size() const { return window_size() * padded_filters; }
  std::size_t transposed_size() const { return taps() * plan.spec.units * padded_channels; }
  std::size_t taps() const { return std::size_t{plan.spec.kernel_height} * plan.spec.kernel_width; }
};

class NeuronLayout {
 public:
  /// @param[in] lanes  of a vector.
  NeuronLayout(const nn::Network& network, std::uint32_t lanes);

  const nn::Network& network() const { return network_; }
  const std::vector<NeuronLayer>& layers() const { return layers_; }
  std::size_t image_size() const { return image_size_; }
  std::size_t primary_size() const { return primary_size_; }
  std::size_t workspace_size() const { return workspace_size_; }
  /// From one sample's inputs to the next; padding is zero.
  std::size_t input_stride() const { return input_stride_; }
  /// Floats that a pass needs beside the workspace.
  std::size_t scratch_size() const { return scratch_size_; }
  float* outputs(float* workspace) const { return workspace + layers_.back().y; }

  /// The first layer has so many inputs that it pays to look for zeros. Only rows of its columns that belong to an
  /// input that was not zero can change in a device's round.
  bool has_sparse_rows() const { return has_sparse_rows_; }
  /// Floats of a row of the first layer's columns, with which the image begins then.
  std::size_t row_size() const { return row_size_; }

  /// Where parameter e is in the primary part.
  const std::vector<std::uint32_t>& places() const { return places_; }
  void load(const float* parameters, float* image) const;
  void store(const float* image, float* parameters) const;

 private:
  std::uint32_t padded(std::size_t count) const;
  std::uint32_t place_slot(std::uint32_t offset);
  void add_layer(const nn::LayerPlan& plan);
  void place_weights(NeuronLayer& layer);
  void place_columns(NeuronLayer& layer, std::uint32_t neurons, std::uint32_t inputs, std::uint32_t padded_neurons);
  void frame_convolution(NeuronLayer& layer);
  void place_rows(NeuronLayer& layer);

  struct Slot {
    std::uint32_t offset;
    std::uint32_t place;
  };

  nn::Network network_;
  std::uint32_t lanes_;
  std::vector<NeuronLayer> layers_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> places_;
  std::vector<std::uint32_t> second_places_;  // kNone: there is no second copy
  std::size_t image_size_ = 0;
  std::size_t primary_size_ = 0;
  std::size_t workspace_size_ = 0;
  std::size_t input_stride_ = 0;
  std::size_t scratch_size_ = 0;
  std::size_t row_size_ = 0;
  bool has_sparse_rows_ = false;
};

}  // namespace skink::simulations
