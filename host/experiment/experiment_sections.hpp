#pragma once
/// @file
/// The parts of an experiment file as open readers, so that checks across sections can name the line at fault. Include
/// from .cpp files only.

#include <vector>

#include "skink/host/config/config_reader.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::internal {

inline constexpr std::size_t kMaxScopeBytes = 400;

struct ModelReaders {
  ConfigReader model;
  std::vector<ConfigReader> layers;
};

/// Reads [model] key by key.
ModelReaders read_model(const ConfigReader& root, ModelConfig& model);

/// Are the layers a network, and does it fit the tasks? Call when every key is sound.
void check_model(const ModelReaders& readers, const ModelConfig& model, const TaskConfig& task);

/// Reads [task], [evaluation] and [fleet] key by key; [model] comes before them, [meta] before [evaluation].
void read_task(const ConfigReader& reader, Objective objective, TaskConfig& task);
void read_evaluation(const ConfigReader& reader, const Experiment& experiment, EvaluationConfig& evaluation);
void read_fleet(const ConfigReader& reader, const Experiment& experiment, FleetConfig& fleet);

/// Do they fit one another? Call when every key is sound.
void check_task(const ConfigReader& reader, const Experiment& experiment);
void check_evaluation(const ConfigReader& reader, const Experiment& experiment);
void check_fleet(const ConfigReader& reader, const Experiment& experiment);
/// Reads the strategy of [meta], its own keys and its meta learning rates; keys of other strategies are problems.
void read_strategy(const ConfigReader& reader, MetaConfig& meta);

/// Does the strategy go with the rest of [meta], and with the tasks? Call when every key is sound.
void check_strategy(const ConfigReader& meta, const ConfigReader& task, const Experiment& experiment);

}  // namespace skink::internal
