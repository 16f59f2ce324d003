#pragma once
/// @file
/// The shape of a network: layers, tensors, and where every number of one forward and backward pass lives. Sizes are
/// run-time values. Activations overwrite their inputs and gradients overwrite activations, so one sample needs exactly
/// one number per activation (docs/design.md, "The device"); what makes that exact is in docs/arithmetic.md, section 6.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

/// Most layers a network may have. Range 1..255; costs about 64 bytes of RAM each in every `Network`.
#ifndef SKINK_MAX_LAYERS
#define SKINK_MAX_LAYERS 16
#endif
static_assert(SKINK_MAX_LAYERS >= 1 && SKINK_MAX_LAYERS <= 255, "SKINK_MAX_LAYERS must be 1..255");

namespace skink::nn {

inline constexpr size_t kMaxLayers = SKINK_MAX_LAYERS;

/// Most parameters, activations, or numbers of an input, that a network may have. Offsets of them, and the bytes of all
/// parameters or of one sample, fit 32 bits, whatever the layers say; sums over several samples need not
/// (common/sizes.hpp).
inline constexpr size_t kMaxNumbers = size_t{1} << 28;
static_assert(SIZE_MAX >= UINT32_MAX, "sizes are computed in size_t, which must have 32 bits or more");

/// The numbers are those of the model file.
enum class LayerKind : uint8_t {
  kDense = 1,
  kConv2d = 2,
  kMaxPool = 3,
  kAveragePool = 4,
  kFlatten = 5,
  kRelu = 6,
  kTanh = 7,
  kDepthwiseConv2d = 8,
  kGlobalAveragePool = 9,
  kGroupNorm = 10,
  kRational = 11
};
/// True for the kinds that own weights and a bias.
constexpr bool has_parameters(LayerKind kind) noexcept {
  return kind == LayerKind::kDense || kind == LayerKind::kConv2d || kind == LayerKind::kDepthwiseConv2d ||
         kind == LayerKind::kGroupNorm || kind == LayerKind::kRational;
}

/// Padding of windows, loss and activation: docs/arithmetic.md, section 6. The numbers of padding and loss are those of
/// the model file.
enum class Padding : uint8_t { kValid = 0, kSame = 1 };
enum class Loss : uint8_t {
  kSoftmaxCrossEntropy = 1,
  kMeanSquaredError = 2,
  kReconstruction = 3,
  kMulticlassHinge = 4
};
/// True for the losses that tell classes apart: a sample's target is its label.
constexpr bool has_labels(Loss loss) noexcept {
  return loss == Loss::kSoftmaxCrossEntropy || loss == Loss::kMulticlassHinge;
}
enum class Activation : uint8_t { kNone = 0, kRelu = 1, kTanh = 2 };

/// Height, width, channels; a flat vector of n is {1, 1, n}. Row-major, channels last (NHWC).
struct Shape {
  uint16_t height = 1;
  uint16_t width = 1;
  uint16_t channels = 1;
  /// How many numbers: up to 2^48, of a network's shapes at most kMaxNumbers.
  constexpr uint64_t count() const noexcept { return uint64_t{height} * width * channels; }
  /// The same of a network's shapes; of others what fits a size_t.
  constexpr size_t size() const noexcept { return size_t{height} * width * channels; }
  constexpr bool is_flat() const noexcept { return height == 1 && width == 1; }
};
constexpr bool operator==(Shape a, Shape b) noexcept {
  return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

/// One layer as the model file and the experiment file describe it. Unused fields are zero.
struct LayerSpec {
  LayerKind kind = LayerKind::kDense;
  uint16_t units = 0;         ///< dense: outputs; conv2d: filters; group_norm: groups
  uint8_t kernel_height = 0;  ///< conv2d, depthwise_conv2d, pools with a window
  uint8_t kernel_width = 0;
  uint8_t stride_height = 0;
  uint8_t stride_width = 0;
  Padding padding = Padding::kValid;
  bool train_weights = true;  ///< trainable mask, per tensor
  bool train_bias = true;
};

/// A parameter tensor. dense weights [units][inputs]; conv2d weights [filters][kernel_height][kernel_width][channels];
/// bias [units]. depthwise_conv2d weights [kernel_height][kernel_width][channels], bias [channels]. group_norm weights
/// (the gain) [channels], bias [channels]. rational weights (the numerator a0..a3) [4], bias (the denominator b1, b2)
/// [2]. Tensors follow one another in layer order, weights before bias.
struct Tensor {
  uint32_t offset = 0;  ///< in parameters
  uint32_t count = 0;
  uint8_t layer = 0;
  bool is_bias = false;
  bool trainable = true;  ///< what its layer's spec says, unless frozen (Network::freeze())
};

/// Where one layer's numbers are. Offsets of activations count floats from the start of the sample workspace
/// (input first).
struct LayerPlan {
  LayerSpec spec;
  Shape in;
  Shape out;
  uint32_t in_offset = 0;
  uint32_t out_offset = 0;
  uint32_t weights = 0;  ///< offset in parameters
  uint32_t bias = 0;
  uint16_t pad_top = 0;
  uint16_t pad_left = 0;
  Activation in_activation = Activation::kNone;  ///< what produced the numbers at in_offset
  bool propagates = false;                       ///< a tensor that moves lies below: the input gradient is needed
  bool moves_weights = false;                    ///< spec.train_weights, unless frozen (Network::freeze())
  bool moves_bias = false;                       ///< spec.train_bias, likewise
};

/// Why a network was refused: the layer (0-based; layer_count for the loss) and a sentence in static storage.
struct BuildError {
  size_t layer = 0;
  const char* reason = "";
};

/// A checked network and its memory layout. A value of fixed size without a heap, immutable after build() but for
/// freeze(): any thread may read one that nobody narrows. A default-constructed one has no layers.
class Network {
 public:
  /// Checks and lays out a network.
  ///
  /// @param[in]  input   Shape of one sample, each extent >= 1.
  /// @param[in]  layers  1..kMaxLayers layers; the last may be an activation, but not with cross-entropy or hinge.
  /// @param[in]  loss    Cross-entropy and hinge need at least two outputs, reconstruction as many as there are inputs.
  /// @param[out] network Written on kOk only.
  /// @param[out] error   Written on errors: which layer and why.
  /// @returns kOk; kShapeMismatch when a shape does not fit; kUnsupported for an unknown kind or too many layers;
  ///          kInvalidArgument for a value out of range.
  static Status build(Shape input, Span<const LayerSpec> layers, Loss loss, Network& network,
                      BuildError& error) noexcept;

  /// Narrows what steps move, and what trainable_count(), scratch_count() and codecs take for trainable, to the tensors
  /// that the layers' specs let train and that are not frozen: the scope of docs/arithmetic.md, section 7. Each call
  /// begins with what the specs say.
  /// @param[in] frozen  bit t, below 32: tensors()[t] does not move; tensors from the 32nd on cannot be frozen
  /// @returns kOk; kInvalidArgument when nothing moves: then it has to be called with another scope.
  Status freeze(uint32_t frozen) noexcept;
  /// What freeze() was told last; 0 after build().
  uint32_t frozen() const noexcept { return frozen_; }
  /// The lowest layer of which a tensor moves. What the layers below it make of a sample, the **latent**, is the same
  /// whatever steps were made.
  size_t first_moving_layer() const noexcept { return first_moving_layer_; }
  /// Where the latent is in the floats of a sample, the input of that layer; and how many numbers it has.
  uint32_t latent_offset() const noexcept { return layers_[first_moving_layer_].in_offset; }
  size_t latent_size() const noexcept { return layers_[first_moving_layer_].in.size(); }
  /// Has one of the layers below parameters, so that a latent is worth keeping?
  bool has_frozen_trunk() const noexcept { return has_frozen_trunk_; }

  /// Shape and count of the numbers of one input; count of outputs; the loss. Layers in order from the input; tensors
  /// in the order of the parameters (see Tensor). The spans point into this network.
  Shape input_shape() const noexcept { return input_; }
  size_t input_size() const noexcept { return input_.size(); }
  size_t output_size() const noexcept { return output_size_; }
  /// Numbers that say what a sample should give: 1, a label; with squared error one for each output; with
  /// reconstruction none, the input says it.
  size_t target_size() const noexcept {
    if (loss_ == Loss::kReconstruction) return 0;
    return has_labels(loss_) ? 1 : output_size_;
  }
  Loss loss() const noexcept { return loss_; }
  Span<const LayerPlan> layers() const noexcept { return {layers_, layer_count_}; }
  Span<const Tensor> tensors() const noexcept { return {tensors_, tensor_count_}; }

  /// P: how many parameters; and how many of them are in trainable tensors, at most P.
  size_t parameter_count() const noexcept { return parameter_count_; }
  size_t trainable_count() const noexcept { return trainable_count_; }
  /// Activations of one sample, without the input.
  size_t activation_count() const noexcept { return activation_count_; }
  /// Floats of one sample: input, then activations.
  size_t sample_count() const noexcept { return input_size() + activation_count_; }
  /// Extra floats that the backward pass needs: the gradient of the weights of one input channel of a convolution, or
  /// of one group of a group_norm; the largest of them.
  size_t scratch_count() const noexcept { return scratch_count_; }
  /// Offset of the last activation, which holds the network's output.
  uint32_t output_offset() const noexcept { return output_offset_; }
  /// Activation that produced the output; kNone with cross-entropy and hinge.
  Activation output_activation() const noexcept { return output_activation_; }

 private:
  friend class NetworkBuilder;
  Shape input_;
  LayerPlan layers_[kMaxLayers];
  Tensor tensors_[2 * kMaxLayers];
  size_t layer_count_ = 0;
  size_t tensor_count_ = 0;
  size_t parameter_count_ = 0;
  size_t trainable_count_ = 0;
  size_t activation_count_ = 0;
  size_t scratch_count_ = 0;
  size_t output_size_ = 0;
  uint32_t output_offset_ = 0;
  uint32_t frozen_ = 0;
  uint8_t first_moving_layer_ = 0;
  bool has_frozen_trunk_ = false;
  Activation output_activation_ = Activation::kNone;
  Loss loss_ = Loss::kMeanSquaredError;
};

}  // namespace skink::nn
