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

/// What a round learns from.
enum class LearnsFrom {
  kNothing,  ///< nobody is asked, nothing moves
  kSupport,  ///< each device from its support set
  kQuery,    ///< each device from its support set, and then from its query set
  kPool      ///< one machine from the records of all that train
};

/// One strategy, as far as an experiment goes.
struct StrategyTraits {
  StrategyKind kind;
  std::string_view name;
  Weighing weighing;
  Schedule schedule;
  std::span<const StrategyKey> keys = {};
  double meta_learning_rate = 1.0;  ///< default
  Batching batching = Batching::kAny;
  LearnsFrom learns_from = LearnsFrom::kSupport;

  /// Fleets learn on their devices; others are the simulator's alone.
  bool runs_in_fleets() const { return learns_from == LearnsFrom::kSupport || learns_from == LearnsFrom::kQuery; }
};

/// All strategies, in the order of StrategyKind.
std::span<const StrategyTraits> strategies();

/// The row of one.
const StrategyTraits& traits_of(StrategyKind kind);

/// What a round of the experiment learns from.
LearnsFrom learns_from(const Experiment& experiment);

/// Can a coordinator, or the protocol engine, run the experiment?
/// @returns kInvalidArgument when its strategy is the simulator's alone: the message says which, and what to do.
Result<void> check_runs_in_fleets(const Experiment& experiment);

}  // namespace skink
