#pragma once
/// @file
/// The work of one task, in small steps: adapt the model to a support set, or evaluate it on tasks of a held-out
/// device. No protocol and no I/O: phi and samples are read through callbacks, all memory is the caller's arena.
/// docs/arithmetic.md, section 7, is the contract.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/planner.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/edge/internal/personal_weights.hpp"
#include "skink/edge/platform/samples.hpp"

namespace skink::edge {

/// What a task asks for; fields as in the task message (docs/protocol.md, docs/arithmetic.md, section 7).
struct TaskSettings {
  wire::TaskKind kind = wire::TaskKind::kAdapt;
  uint64_t seed = 0;                 ///< of the experiment: key of all Philox draws
  uint32_t round = 0;                ///< from 0
  uint32_t device_index = 0;         ///< in the roster
  uint32_t first_task = 0;           ///< evaluation: number of its first task
  uint32_t task_count = 1;           ///< evaluation: at least 1
  uint32_t task_step = 1;            ///< evaluation: from one number to the next
  float inner_learning_rate = 0.0F;  ///< alpha, finite and above 0
  uint32_t passes = 1;               ///< over the support set, 0..limits::kMaxPasses
  uint32_t batch_size = 1;           ///< 1..limits::kMaxBatchSize; 1 is online
  float proximal = 0.0F;             ///< at least 0, times the inner learning rate below 1; 0 in an evaluation
  wire::ChangeKind change = wire::ChangeKind::kParameters;  ///< as in an evaluation
  uint32_t frozen = 0;              ///< tensors that steps on the support set leave: Network::freeze()
  size_t codec_bytes = 0;           ///< codec::state_bytes()
  size_t residual_bytes = 0;        ///< codec::residual_bytes()
  bool has_residual_store = false;  ///< where the residual may be kept if the arena has no room for it
  const internal::PersonalWeights* in_use = nullptr;  ///< of an evaluation: scored before adapting, instead of phi
};

/// Is each setting in its range?
bool is_valid(const TaskSettings& settings) noexcept;

/// What a step came to.
enum class Progress : uint8_t {
  kMore,      ///< the task needs another step
  kDone,      ///< the task is done
  kDiverged,  ///< an adaptation ended with a loss or parameters that are not finite
  kFailed,    ///< a callback failed: failure()
};

/// Which weights stand in the arena, complete and finite.
enum class Weights : uint8_t {
  kNone,      ///< none
  kReceived,  ///< phi, as the coordinator sent it
  kAdapted,   ///< what the last adaptation ended with
};

/// The inner loop and the evaluation of one task at a time. Not copyable in the middle of a task.
class TaskRunner {
 public:
  /// Plans the arena and asks the source for the first task.
  ///
  /// @param[in] model, phi, samples  borrowed until the task is done and its change encoded. Each step narrows the
  ///                                 model's network to what it moves, and leaves it so: who needs another scope sets
  ///                                 it.
  /// @param[in] arena  4-byte aligned; memory_plan().total bytes of it are used.
  /// @returns
  /// * kOk               step() has work.
  /// * kInvalidArgument  settings out of range, a scope in which nothing moves, or an arena that is not aligned.
  /// * kUnavailable      a callback of `samples` is not set, or there is no support sample, or no query sample where
  ///                     their gradient is asked for.
  /// * kBufferTooSmall   the plan is larger than the arena: memory_plan() has the figures.
  /// * others            what the source's begin() returned.
  Status begin(model::ModelInfo& model, const model::ByteSource& phi, const SampleSource& samples,
               const TaskSettings& settings, MutableBytes arena) noexcept;

  /// One step: one sample (online), at most nn::kSliceSamples of a mini-batch, or one query sample; as many for a
  /// query gradient.
  /// @returns kFailed when a callback failed, or, kInvalidArgument, a target that it gave is no label of the model or
  /// is not finite. See failure().
  Progress step() noexcept;

  /// The arena of the last task in bytes by use; all 0 when begin() did not get so far.
  const nn::MemoryPlan& memory_plan() const noexcept { return plan_; }
  /// After kFailed: what the callback returned, kInvalidArgument for a target, or kBufferTooSmall for an evaluation
  /// task with more support samples than the first one's plan keeps.
  Status failure() const noexcept { return failure_; }
  /// Was it phi that could not be read? Otherwise it was the samples.
  bool phi_failed() const noexcept { return phi_failed_; }

  /// After kDone of an adaptation: w in the arena, [P], or where phi can be read in place those that the scope moves,
  /// [trainable_count]; for a query gradient phi, moved by one step along it.
  Span<const float> parameters() const noexcept { return parameters_; }
  /// Support samples of the last task that began.
  uint32_t support_samples() const noexcept { return counts_.support; }
  /// For the encoder: TaskSettings::codec_bytes of the arena.
  MutableBytes codec_state() const noexcept { return codec_state_; }
  /// TaskSettings::residual_bytes of the arena, always at its end; empty: it has to be in the store.
  Span<float> residual() const noexcept { return residual_; }

  /// After kDone of an evaluation: sums over its tasks, losses in units of 2^-20.
  const wire::Evaluation& evaluation() const noexcept { return evaluation_; }

  /// Between tasks: what predict() would use. kNone while a task is worked on.
  Weights weights() const noexcept { return weights_; }
  /// Those that load_weights() loaded give way to these, of the same model. @returns false: they cannot be
  /// read, or are not finite; there are no weights then.
  bool load_personal(const internal::PersonalWeights& personal) noexcept;
  /// The weights in the arena belong to another model.
  void forget_weights() noexcept { weights_ = Weights::kNone; }
  /// The model's slot is about to change: weights of which a part is read there are none any more.
  void forget_split_weights() noexcept {
    if (in_place_ != nullptr) weights_ = Weights::kNone;
  }
  /// Between tasks, and only with weights() == kNone: phi into the arena. Needs memory for parameters and one sample.
  ///
  /// @param[in] in_place  read where the model is, if that can be done and the arena has no room
  /// @returns kOk; kBufferTooSmall; kInvalidArgument when the arena is not 4-byte aligned; kUnavailable when phi cannot
  ///          be read.
  Status load_weights(const model::ModelInfo& model, const model::ByteSource& phi, MutableBytes arena,
                      bool in_place = false) noexcept;
  /// Between tasks, and only with weights() other than kNone: a forward pass in the arena. It changes no weights.
  ///
  /// @param[in]  stored   the network's inputs, before the model's scale and offset.
  /// @param[out] outputs  the network's outputs.
  /// @returns kOk, kShapeMismatch.
  Status predict(model::Model& model, Span<const float> stored, Span<float> outputs) noexcept;

 private:
  enum class Phase : uint8_t { kLoad, kQueryBefore, kAdapt, kQueryGradient, kQueryAfter, kDone };

  Status begin_task() noexcept;
  uint32_t scope() const noexcept { return phase_ == Phase::kQueryGradient ? 0 : settings_.frozen; }
  Progress load() noexcept;
  Progress adapt() noexcept;
  Progress adapt_online() noexcept;
  Progress adapt_batch() noexcept;
  Progress pull() noexcept;
  bool read_phi(uint32_t first, Span<float> out) noexcept;
  Progress finish_adaptation(bool diverged) noexcept;
  Progress query(bool after) noexcept;
  Progress finish_task() noexcept;
  Progress fail(Status status) noexcept;
  Status load_scales(const model::ModelInfo& model, const model::ByteSource& phi) noexcept;
  Status buffer_support() noexcept;
  Status check_targets(SampleSet set, uint32_t first, uint32_t count) const noexcept;
  Status plan(MutableBytes arena) noexcept;
  bool load_parameters() noexcept;
  nn::Parameters view() const noexcept {
    return in_place_ == nullptr ? nn::Parameters(parameters_) : nn::Parameters(parameters_, in_place_);
  }
  /// see(phi, w) for each tensor that moves, where the others are read in place.
  template <class See>
  void for_each_moved(See see) const noexcept {
    size_t at = 0;
    for (const nn::Tensor& tensor : model_->model.network.tensors()) {
      if (!tensor.trainable) continue;
      see(Span<const float>(in_place_ + tensor.offset, tensor.count), parameters_.subspan(at, tensor.count));
      at += tensor.count;
    }
  }
  bool has_latents() const noexcept;
  bool fits_latents() const noexcept;
  void keep_latent(uint32_t index, Span<const float> sample) noexcept;
  Status read_step_sample(SampleSet set, uint32_t index, Span<float> sample) noexcept;
  Status read_sample(SampleSet set, uint32_t index, Span<float> sample) noexcept;
  float target_of(SampleSet set, uint32_t index, uint32_t output) const noexcept;
  uint32_t support_at(uint32_t position) const noexcept;
  SampleSet current_set() const noexcept;
  uint32_t current_index(uint32_t sample) const noexcept;
  static float current_target(const void* context, size_t sample, size_t output) noexcept;

  model::ModelInfo* model_ = nullptr;
  model::ByteSource phi_;
  SampleSource samples_;
  TaskSettings settings_;
  TaskRequest request_;
  nn::MemoryPlan plan_;
  SampleCounts counts_;
  model::InputScale input_scale_;
  wire::Evaluation evaluation_{};
  Status failure_ = Status::kOk;
  bool phi_failed_ = false;
  Weights weights_ = Weights::kNone;
  Phase phase_ = Phase::kDone;
  bool order_known_ = false;     // order_, of this pass
  uint32_t weights_frozen_ = 0;  // the scope of weights_, where a part is read in place

  Span<float> parameters_;           // all, or those that move
  const float* in_place_ = nullptr;  // then: phi, [P], where the model is; the others are read there
  Span<float> normalisation_;        // scales, then offsets, where there are several
  Span<float> sample_;               // one sample, or a batch of them
  Span<float> scratch_;
  Span<float> gradients_;
  Span<float> support_;  // buffered samples
  MutableBytes codec_state_;
  Span<float> latents_;  // [support][network.latent_size()], where there is room
  Span<float> residual_;

  uint32_t task_ = 0;  // of this evaluation
  uint32_t pass_ = 0;
  uint32_t position_ = 0;     // in the pass, or in the query set
  uint32_t accumulated_ = 0;  // samples of the mini-batch at position_ that are in the gradients
  arithmetic::PhiloxBlock order_{};
};

}  // namespace skink::edge
