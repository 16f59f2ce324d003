#pragma once
/// @file
/// Forward and backward over a whole network, over the number type. Include from .cpp files only.

#include "skink/common/nn/kernels/all_kernels.hpp"
#include "skink/common/nn/kernels/compact.hpp"

namespace skink::nn::kernels {

/// One layer forward. w, b: its weights and bias, if it has any. x and y may be the same for activations.
template <class Real>
[[gnu::always_inline]] inline void forward_layer(const LayerPlan& plan, const Real* w, const Real* b, const Real* x,
                                                 Real* y) noexcept {
  switch (plan.spec.kind) {
    case LayerKind::kDense: dense_forward(w, b, x, y, plan.in.size(), plan.out.size()); break;
    case LayerKind::kConv2d: conv2d_forward(plan, w, b, x, y); break;
    case LayerKind::kMaxPool: max_pool_forward(plan, x, y); break;
    case LayerKind::kAveragePool: channelwise_forward<Real>(plan, nullptr, nullptr, x, y); break;
    case LayerKind::kFlatten: break;
    case LayerKind::kRelu: activate(Activation::kRelu, y, plan.out.size()); break;
    case LayerKind::kTanh: activate(Activation::kTanh, y, plan.out.size()); break;
    case LayerKind::kDepthwiseConv2d: channelwise_forward(plan, w, b, x, y); break;
    case LayerKind::kGlobalAveragePool: global_average_pool_forward(plan, x, y); break;
    case LayerKind::kGroupNorm: group_norm_forward(plan, w, b, x, y); break;
    case LayerKind::kRational: rational_forward(w, b, x, y, plan.out.size()); break;
  }
}

/// One layer backward: see backward().
template <class Real>
[[gnu::always_inline]] inline void backward_layer(const LayerPlan& plan, const Real* w, const Real* b, Real* x,
                                                  const Real* d, Real* scratch, const Update<Real>& update) noexcept {
  switch (plan.spec.kind) {
    case LayerKind::kDense: dense_backward(w, x, d, plan.in.size(), plan.out.size(), update); break;
    case LayerKind::kConv2d: conv2d_backward(plan, w, x, d, scratch, update); break;
    case LayerKind::kMaxPool:
      if (plan.propagates) max_pool_backward(plan, x, d, plan.in_activation);
      break;
    case LayerKind::kAveragePool:
      if (plan.propagates) channelwise_backward<Real>(plan, nullptr, x, d, scratch, update);
      break;
    case LayerKind::kFlatten:  // the same numbers under another shape
    case LayerKind::kRelu:     // applied where the layer above writes its input gradient
    case LayerKind::kTanh: break;
    case LayerKind::kDepthwiseConv2d: channelwise_backward(plan, w, x, d, scratch, update); break;
    case LayerKind::kGlobalAveragePool:
      if (plan.propagates) global_average_pool_backward(plan, x, d, plan.in_activation);
      break;
    case LayerKind::kGroupNorm: group_norm_backward(plan, w, x, d, scratch, update); break;
    case LayerKind::kRational: rational_backward(w, b, x, d, plan.out.size(), update); break;
  }
}

/// The lowest layer that learns, or is the lowest of all that have parameters: nothing below it is needed.
inline bool ends_backward(const LayerPlan& plan) noexcept { return !plan.propagates && has_parameters(plan.spec.kind); }

/// What a layer may change when it goes backward. weights, bias: where these changes go.
template <class Real>
[[gnu::always_inline]] inline Update<Real> update_of(const LayerPlan& plan, Real* weights, Real* bias,
                                                     Real scale) noexcept {
  Update<Real> update;
  update.weights = plan.moves_weights ? weights : nullptr;
  update.bias = plan.moves_bias ? bias : nullptr;
  update.scale = scale;
  update.propagates = plan.propagates;
  update.in_activation = plan.in_activation;
  return update;
}

/// Parameters as they are read: `whole`, [P], but of tensors that move `moved`, [trainable_count], where it is not
/// null.
template <class Real>
struct View {
  const Real* whole;
  const Real* moved;
};

/// Where the tensors of one layer are, from the begin of what holds them.
struct LayerPlace {
  size_t weights;
  size_t bias;
};

/// Those of layers one after the other in View::moved. Out of line: whoever has all parameters in one place pays
/// nothing.
class MovedWalk {
 public:
  /// Begins at the lowest layer that moves, 0, or behind the last one, trainable_count.
  explicit MovedWalk(size_t at) noexcept : at_(at) {}

  /// Of the next layer above.
  [[gnu::noinline]] LayerPlace up(const LayerPlan& plan) noexcept {
    const LayerPlace place{at_, at_ + weights_of(plan)};
    at_ = place.bias + bias_of(plan);
    return place;
  }
  /// Of the next layer below.
  [[gnu::noinline]] LayerPlace down(const LayerPlan& plan) noexcept {
    const size_t bias = at_ - bias_of(plan);
    at_ = bias - weights_of(plan);
    return {at_, bias};
  }

 private:
  static size_t weights_of(const LayerPlan& plan) noexcept { return plan.moves_weights ? plan.bias - plan.weights : 0; }
  static size_t bias_of(const LayerPlan& plan) noexcept {
    return !plan.moves_bias ? 0 : plan.spec.kind == LayerKind::kRational ? 2 : plan.out.channels;
  }

  size_t at_;
};

/// Runs `count` samples forward through layers first..last - 1, one after the other. samples:
/// [count][network.sample_count()], the input of layer `first` filled in.
template <class Real>
void forward(const Network& network, const View<Real>& parameters, Real* samples, size_t count, size_t first,
             size_t last) noexcept {
  MovedWalk walk(0);
  for (size_t l = first; l < last; ++l) {
    const LayerPlan& plan = network.layers()[l];
    const Real* w = parameters.whole + plan.weights;
    const Real* b = parameters.whole + plan.bias;
    if (parameters.moved != nullptr) {
      const LayerPlace place = walk.up(plan);
      if (plan.moves_weights) w = parameters.moved + place.weights;
      if (plan.moves_bias) b = parameters.moved + place.bias;
    }
    for (size_t s = 0; s < count; ++s) {
      Real* sample = samples + s * network.sample_count();
      forward_layer(plan, w, b, sample + plan.in_offset, sample + plan.out_offset);
    }
  }
}

/// Loss of one sample; replaces its output by the gradient. target(o) is the wanted output o; with cross-entropy and
/// hinge target(0) is the label; with reconstruction the target is the sample's input.
template <class Real, class Target>
Real loss_gradient(const Network& network, Real* sample, const Target& target) noexcept {
  Real* z = sample + network.output_offset();
  if (network.loss() == Loss::kSoftmaxCrossEntropy) return softmax_cross_entropy(z, network.output_size(), target(0));
  if (network.loss() == Loss::kMulticlassHinge) return multiclass_hinge(z, network.output_size(), target(0));
  if (network.loss() == Loss::kReconstruction) {
    const auto input = [sample](size_t output) { return sample[output]; };
    return mean_squared_error(z, network.output_size(), input, network.output_activation());
  }
  return mean_squared_error(z, network.output_size(), target, network.output_activation());
}

/// Backward over `count` samples, each holding activations and, in its output, the loss gradient; destroys them.
/// Adds scale * gradient to the tensors of `target` that move, which may be the parameters themselves when count is 1:
/// [P], or with parameters.moved as that.
template <class Real>
void backward(const Network& network, const View<Real>& parameters, Real* target, Real scale, Real* samples,
              size_t count, Real* scratch) noexcept {
  MovedWalk walk(network.trainable_count());
  const bool is_sparse = network.loss() == Loss::kMulticlassHinge &&
                         network.layers()[network.layers().size() - 1].spec.kind == LayerKind::kDense;
  for (size_t l = network.layers().size(); l-- > 0;) {
    const LayerPlan& plan = network.layers()[l];
    const Real* w = parameters.whole + plan.weights;
    const Real* b = parameters.whole + plan.bias;
    LayerPlace place{plan.weights, plan.bias};
    if (parameters.moved != nullptr) {
      place = walk.down(plan);
      if (plan.moves_weights) w = parameters.moved + place.weights;
      if (plan.moves_bias) b = parameters.moved + place.bias;
    }
    const Update<Real> update = update_of(plan, target + place.weights, target + place.bias, scale);
    for (size_t s = 0; s < count; ++s) {
      Real* sample = samples + s * network.sample_count();
      if (is_sparse && l + 1 == network.layers().size()) {
        dense_backward_of_two(w, sample + plan.in_offset, sample + plan.out_offset, plan.in.size(), plan.out.size(),
                              update);
        continue;
      }
      backward_layer(plan, w, b, sample + plan.in_offset, sample + plan.out_offset, scratch, update);
    }
    if (ends_backward(plan)) break;
  }
}

}  // namespace skink::nn::kernels
