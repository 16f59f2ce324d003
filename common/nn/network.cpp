#include "skink/common/nn/network.hpp"

namespace skink::nn {
namespace {

/// Terms of a mean, whose number must be exact as a float.
constexpr size_t kMaxMeanTerms = size_t{1} << 24;

struct Extent {
  size_t out;
  size_t pad;
};

/// Output extent and leading padding along one axis. "same": out = ceil(in / stride), the odd cell goes to the end.
Extent convolve_extent(size_t in, size_t kernel, size_t stride, Padding padding) noexcept {
  if (padding == Padding::kValid) return {in < kernel ? 0 : (in - kernel) / stride + 1, 0};
  const size_t out = (in + stride - 1) / stride;
  const size_t covered = (out - 1) * stride + kernel;
  return {out, covered > in ? (covered - in) / 2 : 0};
}

/// What a layer needs when its weights move and the input gradient is wanted; below 2^32, as 255 * 255 * 65535 is.
[[gnu::noinline]] uint32_t gradient_scratch(const LayerPlan& plan) noexcept {
  const LayerSpec& spec = plan.spec;
  const uint32_t taps = uint32_t{spec.kernel_height} * spec.kernel_width;
  if (spec.kind == LayerKind::kConv2d) return taps * spec.units;
  if (spec.kind == LayerKind::kGroupNorm) return plan.in.channels / spec.units;
  return taps;  // none has a dense layer
}

}  // namespace

class NetworkBuilder {
 public:
  /// @param[in,out] network  Any; its layers and tensors are overwritten one after another.
  NetworkBuilder(Network& network, BuildError& error) noexcept : network_(network), error_(error) {
    network_.layer_count_ = network_.tensor_count_ = 0;
    network_.parameter_count_ = network_.activation_count_ = 0;
  }

  Status build(Shape input, Span<const LayerSpec> layers, Loss loss) noexcept {
    if (layers.empty()) return fail(Status::kInvalidArgument, "a network needs at least one layer");
    if (layers.size() > kMaxLayers)
      return fail(Status::kUnsupported, "too many layers for this build (SKINK_MAX_LAYERS)");
    if (input.count() == 0) return fail(Status::kInvalidArgument, "every extent of the input must be at least 1");
    if (input.count() > kMaxNumbers) return fail(Status::kUnsupported, "the input is too large");
    network_.input_ = input;
    network_.loss_ = loss;
    shape_ = input;
    for (const LayerSpec& spec : layers) {
      const Status status = add(spec);
      if (status != Status::kOk) return status;
      ++network_.layer_count_;
    }
    return finish();
  }

 private:
  Status fail(Status status, const char* reason) noexcept {
    error_ = {network_.layer_count_, reason};
    return status;
  }

  Status add(const LayerSpec& spec) noexcept {
    LayerPlan& plan = network_.layers_[network_.layer_count_];
    plan = {};
    plan.spec = spec;
    plan.in = shape_;
    plan.in_offset = slot_;
    plan.in_activation = slot_activation_;
    switch (spec.kind) {
      case LayerKind::kDense: return add_dense(plan);
      case LayerKind::kConv2d:
      case LayerKind::kDepthwiseConv2d:
      case LayerKind::kMaxPool:
      case LayerKind::kAveragePool: return add_window(plan);
      case LayerKind::kFlatten: return add_flatten(plan);
      case LayerKind::kRelu: return add_activation(plan, Activation::kRelu);
      case LayerKind::kTanh: return add_activation(plan, Activation::kTanh);
      case LayerKind::kGlobalAveragePool: return add_global_average_pool(plan);
      case LayerKind::kGroupNorm: return add_group_norm(plan);
      case LayerKind::kRational: plan.out = shape_; return add_slot(plan, 4, 2);
    }
    return fail(Status::kUnsupported, "unknown layer kind");
  }

  Status add_dense(LayerPlan& plan) noexcept {
    if (!shape_.is_flat()) return fail(Status::kShapeMismatch, "dense takes a flat input: put flatten before it");
    if (plan.spec.units == 0) return fail(Status::kInvalidArgument, "units must be at least 1");
    plan.out = {1, 1, plan.spec.units};
    return add_slot(plan, uint64_t{plan.in.size()} * plan.spec.units, plan.spec.units);
  }

  Status add_window(LayerPlan& plan) noexcept {
    const LayerSpec& spec = plan.spec;
    if (spec.kernel_height == 0 || spec.kernel_width == 0 || spec.stride_height == 0 || spec.stride_width == 0) {
      return fail(Status::kInvalidArgument, "kernel and stride must be at least 1");
    }
    if (spec.padding != Padding::kValid && spec.padding != Padding::kSame) {
      return fail(Status::kUnsupported, "unknown padding");
    }
    const bool overlaps = spec.stride_height < spec.kernel_height || spec.stride_width < spec.kernel_width;
    if (spec.kind == LayerKind::kMaxPool && overlaps) {
      return fail(Status::kUnsupported, "max_pool windows must not overlap: stride must be at least the kernel");
    }
    if (spec.kind == LayerKind::kConv2d && spec.units == 0) {
      return fail(Status::kInvalidArgument, "filters must be at least 1");
    }
    const Extent rows = convolve_extent(shape_.height, spec.kernel_height, spec.stride_height, spec.padding);
    const Extent columns = convolve_extent(shape_.width, spec.kernel_width, spec.stride_width, spec.padding);
    if (rows.out == 0 || columns.out == 0) return fail(Status::kShapeMismatch, "the kernel is larger than its input");
    const bool is_conv = spec.kind == LayerKind::kConv2d;
    plan.out = {static_cast<uint16_t>(rows.out), static_cast<uint16_t>(columns.out),
                is_conv ? spec.units : shape_.channels};
    plan.pad_top = static_cast<uint16_t>(rows.pad);
    plan.pad_left = static_cast<uint16_t>(columns.pad);
    if (!has_parameters(spec.kind)) return add_slot(plan, 0, 0);
    return add_slot(plan, uint64_t{gradient_scratch(plan)} * shape_.channels, plan.out.channels);
  }

  Status add_global_average_pool(LayerPlan& plan) noexcept {
    if (shape_.size() > kMaxMeanTerms) return fail(Status::kUnsupported, "a mean of more than 2^24 numbers");
    plan.out = {1, 1, shape_.channels};
    return add_slot(plan, 0, 0);
  }

  Status add_group_norm(LayerPlan& plan) noexcept {
    const size_t groups = plan.spec.units;
    if (groups == 0) return fail(Status::kInvalidArgument, "groups must be at least 1");
    if (shape_.channels % groups != 0) return fail(Status::kShapeMismatch, "groups must divide the channels");
    if (shape_.size() == groups) return fail(Status::kShapeMismatch, "groups of one number: nothing to normalise");
    if (shape_.size() > kMaxMeanTerms) return fail(Status::kUnsupported, "a mean of more than 2^24 numbers");
    plan.out = shape_;
    return add_slot(plan, shape_.channels, shape_.channels);
  }

  Status add_flatten(LayerPlan& plan) noexcept {
    if (shape_.size() > UINT16_MAX) return fail(Status::kUnsupported, "more than 65535 values to flatten");
    plan.out = {1, 1, static_cast<uint16_t>(shape_.size())};
    plan.out_offset = slot_;
    shape_ = plan.out;
    return Status::kOk;
  }

  Status add_activation(LayerPlan& plan, Activation activation) noexcept {
    if (slot_ == 0) return fail(Status::kUnsupported, "an activation cannot stand on the input");
    if (slot_activation_ != Activation::kNone) return fail(Status::kUnsupported, "an activation follows an activation");
    plan.out = shape_;
    plan.out_offset = slot_;
    slot_activation_ = activation;
    return Status::kOk;
  }

  /// Counts are of 64 bits until they are known to be small: a description can ask for 2^48.
  Status add_slot(LayerPlan& plan, uint64_t weights, size_t bias_count) noexcept {
    const uint64_t outputs = plan.out.count();
    if (network_.parameter_count_ + weights + bias_count > kMaxNumbers ||
        network_.activation_count_ + outputs > kMaxNumbers) {
      return fail(Status::kUnsupported, "the layer is too large");
    }
    const auto weight_count = static_cast<size_t>(weights);
    plan.out_offset = static_cast<uint32_t>(network_.input_.size() + network_.activation_count_);
    network_.activation_count_ += static_cast<size_t>(outputs);
    plan.weights = static_cast<uint32_t>(network_.parameter_count_);
    plan.bias = static_cast<uint32_t>(network_.parameter_count_ + weight_count);
    if (has_parameters(plan.spec.kind)) {
      add_tensor(weight_count, false);
      add_tensor(bias_count, true);
    }
    slot_ = plan.out_offset;
    slot_activation_ = Activation::kNone;
    shape_ = plan.out;
    return Status::kOk;
  }

  void add_tensor(size_t count, bool is_bias) noexcept {
    network_.tensors_[network_.tensor_count_++] = {static_cast<uint32_t>(network_.parameter_count_),
                                                   static_cast<uint32_t>(count),
                                                   static_cast<uint8_t>(network_.layer_count_), is_bias, false};
    network_.parameter_count_ += count;
  }

  Status finish() noexcept {
    network_.output_size_ = shape_.size();
    network_.output_offset_ = slot_;
    network_.output_activation_ = slot_activation_;
    if (network_.parameter_count_ == 0) return fail(Status::kInvalidArgument, "no layer has parameters");
    if (network_.freeze(0) != Status::kOk) return fail(Status::kInvalidArgument, "no tensor is trainable");
    if (has_labels(network_.loss_)) {
      if (network_.output_size_ < 2)
        return fail(Status::kShapeMismatch, "a loss that tells classes apart needs two outputs or more");
      if (slot_activation_ != Activation::kNone) {
        return fail(Status::kUnsupported, "a loss that tells classes apart must follow a layer without activation");
      }
    } else if (network_.loss_ == Loss::kReconstruction) {
      if (network_.output_size_ != network_.input_size()) {
        return fail(Status::kShapeMismatch, "reconstruction needs as many outputs as there are inputs");
      }
    } else if (network_.loss_ != Loss::kMeanSquaredError) {
      return fail(Status::kUnsupported, "unknown loss");
    }
    return Status::kOk;
  }

  Network& network_;
  BuildError& error_;
  Shape shape_;
  uint32_t slot_ = 0;
  Activation slot_activation_ = Activation::kNone;
};

Status Network::freeze(uint32_t frozen) noexcept {
  trainable_count_ = scratch_count_ = first_moving_layer_ = 0;
  has_frozen_trunk_ = false;
  frozen_ = frozen;
  size_t next = 0;  // of tensors(): each layer with parameters has two, weights before bias
  const auto moves = [&](bool is_trained) noexcept {
    const bool can_freeze = 2 * kMaxLayers <= 32 || next < 32;
    Tensor& tensor = tensors_[next];
    tensor.trainable = is_trained && !(can_freeze && (frozen >> next & 1U) != 0);
    if (tensor.trainable) trainable_count_ += tensor.count;
    ++next;
    return tensor.trainable;
  };
  for (size_t l = 0; l < layer_count_; ++l) {
    LayerPlan& plan = layers_[l];
    plan.propagates = trainable_count_ > 0;
    if (!has_parameters(plan.spec.kind)) continue;
    plan.moves_weights = moves(plan.spec.train_weights);
    plan.moves_bias = moves(plan.spec.train_bias);
    if (!plan.propagates && trainable_count_ > 0) {
      first_moving_layer_ = static_cast<uint8_t>(l);
      has_frozen_trunk_ = next > 2;
    }
    if (!plan.moves_weights || !plan.propagates) continue;
    if (gradient_scratch(plan) > scratch_count_) scratch_count_ = gradient_scratch(plan);
  }
  return trainable_count_ > 0 ? Status::kOk : Status::kInvalidArgument;
}

Status Network::build(Shape input, Span<const LayerSpec> layers, Loss loss, Network& network,
                      BuildError& error) noexcept {
  // Optimization: a copy of what there is, since an empty network would be 1.2 KB of constants in an image.
  Network built = network;
  const Status status = NetworkBuilder(built, error).build(input, layers, loss);
  if (status == Status::kOk) network = built;
  return status;
}

}  // namespace skink::nn
