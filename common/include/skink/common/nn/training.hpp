#pragma once
/// @file
/// What a device computes: predictions, losses, and SGD steps on its own parameters. Order of every operation:
/// docs/arithmetic.md, sections 6 and 7. Not ISR-safe; re-entrant with separate memory.

#include "skink/common/nn/network.hpp"

namespace skink::nn {

/// Labels or wanted outputs of samples, read output by output so that no copy is needed. For cross-entropy
/// `value(context, sample, 0)` is the label as a whole number in [0, outputs); for squared error it is the wanted value
/// of `output`; with reconstruction it is not called. `sample` counts within one call: 0, or the place in the
/// mini-batch.
struct Targets {
  const void* context = nullptr;
  float (*value)(const void* context, size_t sample, size_t output) = nullptr;
};

/// The parameters of a network in memory: all of them, or, where a scope moves only some of its tensors
/// (Network::freeze()), these alone, and the others where the model is.
struct Parameters {
  /// All in one place, [P].
  Parameters(Span<float> all) noexcept : ram(all) {}  // NOLINT(google-explicit-constructor): the usual case
  Parameters(float* all, size_t count) noexcept : ram(all, count) {}
  /// @param[in] moved    [network.trainable_count()], the tensors that move, one after the other; empty: all are
  ///                      read there
  /// @param[in] in_flash  [P], of which the others are read: model::parameters_in_place()
  Parameters(Span<float> moved, const float* in_flash) noexcept : ram(moved), in_place(in_flash) {}

  Span<float> ram;
  const float* in_place = nullptr;  ///< null: all are in `ram`
};

/// Forward pass of one sample.
///
/// @param[in]     parameters  [P].
/// @param[in,out] sample      [network.sample_count()]: the input first (filled in by the caller, normalised), then
///                            activations.
/// @returns the network's outputs, [network.output_size()], inside `sample`.
Span<const float> predict(const Network& network, Span<const float> parameters, Span<float> sample) noexcept;
/// The same. `network` is narrowed to the scope that `parameters` are of.
Span<const float> predict_with(const Network& network, const Parameters& parameters, Span<float> sample) noexcept;

/// Index of the largest output, the first of equals; 0 when there are none. docs/arithmetic.md, section 6.
size_t argmax(Span<const float> outputs) noexcept;

/// Loss of a sample that predict() has just run, its target that of sample 0. May be NaN or infinite. Overwrites the
/// outputs in `sample` by the loss gradient.
float loss_of(const Network& network, Span<float> sample, const Targets& targets) noexcept;

/// What the caller has filled in of a sample that a step is made with.
enum class Given : uint8_t {
  kInput,   ///< its input
  kLatent,  ///< what the layers below Network::first_moving_layer() make of it; with reconstruction the input too
};

/// One step of online SGD, in place: forward, loss, then each layer's input gradient and update from the last layer
/// down (TinyReptile, arXiv:2304.05201; no gradient buffer).
///
/// @param[in,out] sample   as for predict(), or with its latent filled in; destroyed but for the latent.
/// @param[in]     scratch  [network.scratch_count()], contents unspecified.
/// @returns the loss before the step. When it is not finite the parameters are unspecified.
float online_step(const Network& network, const Parameters& parameters, float inner_learning_rate, Span<float> sample,
                  const Targets& targets, Span<float> scratch, Given given = Given::kInput) noexcept;

/// One step of mini-batch SGD: the gradient is accumulated sample by sample in ascending order, then
/// parameters -= (inner_learning_rate / count) * gradient on trainable tensors.
///
/// @param[in,out] samples    [count][network.sample_count()], inputs filled in; destroyed.
/// @param[in]     count      samples of the batch, at least 1.
/// @param[in]     gradients  [P], contents unspecified before and after.
/// @returns the largest loss of the batch; infinity when one is not finite, and then the parameters are unchanged.
float batch_step(const Network& network, Span<float> parameters, float inner_learning_rate, Span<float> samples,
                 size_t count, const Targets& targets, Span<float> gradients, Span<float> scratch) noexcept;

/// How many samples of a mini-batch a device computes at a time: what its memory holds, and how long a step of work
/// lasts, do not grow with the batch beyond that.
inline constexpr uint32_t kSliceSamples = 16;

/// The two halves of batch_step(), for a batch that is computed in slices. In any slices it ends with the same bits:
/// clear the gradients, accumulate slice after slice in the order of the samples, then apply with the count of the
/// whole batch.
///
/// @param[in,out] gradients  [P], or as many as parameters.ram; unspecified after a loss that is not finite.
/// @returns the largest loss of the slice; infinity when one is not finite.
float accumulate_gradients(const Network& network, const Parameters& parameters, Span<float> samples, size_t count,
                           const Targets& targets, Span<float> gradients, Span<float> scratch,
                           Given given = Given::kInput) noexcept;
/// @param[in,out] parameters  all, or those that move: Parameters::ram
void apply_gradients(const Network& network, Span<float> parameters, float inner_learning_rate, size_t count,
                     Span<const float> gradients) noexcept;

/// The proximal step of FedProx (arXiv:1812.06127), after a step of SGD: w = w - pull * (w - phi), each by itself.
///
/// @param[in]     pull        inner learning rate times proximal coefficient; 0 leaves them as they are.
/// @param[in]     phi         as many as `parameters`: those that the device received.
/// @param[in,out] parameters  all, or a piece of them.
void pull_towards(Span<const float> phi, float pull, Span<float> parameters) noexcept;

/// Is every value finite: neither NaN nor infinite?
bool all_finite(Span<const float> values) noexcept;

}  // namespace skink::nn
