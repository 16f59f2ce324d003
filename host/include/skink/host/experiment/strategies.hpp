#pragma once
/// @file
/// The list of strategies: their names, the keys of [meta] that are theirs alone, and what an experiment has to know of
/// each before it runs. What a strategy computes is in rounds/strategies/. docs/strategies.md.

#include <span>
#include <string_view>

#include "skink/host/config/config_reader.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// A key of [meta] that only some strategies have.
struct StrategyKey {
  std::string_view name;
  double MetaConfig::*value;  ///< where it is kept
  RealRange range;
  double fallback;
};

/// What an update weighs: as much as any other, or its support samples.
enum class Weighing { kEvenly, kBySamples };

/// How devices may adapt: sample by sample only, or in mini-batches too.
enum class Batching { kOnlineOnly, kAny };

/// Whether the meta learning rate falls to 0 by default, or stays.
enum class Schedule { kAnnealed, kConstant };

/// Which samples of its task a device learns from in a round: its support set, or its query set too.
enum class Learning { kFromSupport, kFromQuery };

/// Who can run a strategy: a fleet, and so the simulator; or the simulator's learning engine alone.
enum class Runs { kInFleets, kInSimulator };

/// One strategy, as far as an experiment goes.
struct StrategyTraits {
  StrategyKind kind;
  std::string_view name;
  Weighing weighing;
  Schedule schedule;
  std::span<const StrategyKey> keys = {};
  double meta_learning_rate = 1.0;  ///< default
  Batching batching = Batching::kAny;
  Learning learning = Learning::kFromSupport;
  Runs runs = Runs::kInFleets;
};

/// All strategies, in the order of StrategyKind.
std::span<const StrategyTraits> strategies();

/// The row of one.
const StrategyTraits& traits_of(StrategyKind kind);

/// Can a coordinator, or the protocol engine, run the experiment?
/// @returns kInvalidArgument when its strategy is the simulator's alone: the message says which, and what to do.
Result<void> check_runs_in_fleets(const Experiment& experiment);

}  // namespace skink
