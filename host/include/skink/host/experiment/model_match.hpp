#pragma once
/// @file
/// Whether a model file can be used for an experiment; and if not, which of the two is to be changed. An experiment
/// that begins with a model that was learned before (`init`).

#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/model/model_file.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// Whether two networks are one if devices train other parts of them.
enum class Trainable : std::uint8_t { kIsSame, kMayDiffer };

/// Is the file sound, and of this network with this input normalisation?
///
/// @param[in] path    of the file, for messages.
/// @param[in] wanted  what the experiment says.
/// @returns Cause::kData: kDamaged, kTruncated, kNotFinite; kNewerVersion or kUnsupported for a file of another
///          version; kShapeMismatch: it is sound, but of another network, or sees its inputs otherwise. The message
///          says which, with both sides.
Result<void> match_model(Bytes file, const std::string& path, const model::Model& wanted,
                         Trainable trainable = Trainable::kIsSame);

/// An experiment's network and input normalisation, as its model files have them. Not copyable: it points to itself.
class ExperimentModel {
 public:
  /// Of a configuration that was checked.
  explicit ExperimentModel(const ModelConfig& config);
  ExperimentModel(const ExperimentModel&) = delete;
  ExperimentModel& operator=(const ExperimentModel&) = delete;
  /// Valid as long as this.
  const model::Model& get() const { return model_; }

 private:
  std::vector<float> scale_;
  std::vector<float> offset_;
  model::Model model_;
};

/// Gives an experiment whose `init` names a model that model's parameters. What is trainable may differ: a run may
/// train another part of the network than the run before.
///
/// @param[in] file  the model's file.
/// @param[in] path  of the file, for messages.
/// @returns kInvalidArgument: the experiment begins at random, or the file has another hash; otherwise as
/// match_model().
Result<void> set_initial_model(Experiment& experiment, Bytes file, const std::string& path);

/// The same from a file.
/// @param[in] path  empty: there is none, which is right for an experiment that begins at random, or has its model.
/// @returns the file's bytes, empty for none; errors as set_initial_model(), kUnavailable when the file cannot be read,
///          kInvalidArgument when one is needed.
Result<std::vector<std::uint8_t>> find_initial_model(Experiment& experiment, const std::string& path);

/// The hash of a model file, as `init` names it.
/// @returns Cause::kData: kUnavailable when the file cannot be read; as match_model() when it is not sound.
Result<std::string> model_digest(const std::string& path);

}  // namespace skink
