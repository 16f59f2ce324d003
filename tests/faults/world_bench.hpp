#pragma once
/// @file
/// A small experiment, and whole runs of it in virtual time.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "skink/simulations/protocol/world.hpp"
#include "skink/simulations/run.hpp"

namespace skink::test {

using simulations::World;
using simulations::WorldObserver;
using simulations::WorldOptions;

inline constexpr const char* kExperiment = R"(
name = "faults"
seed = 11
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 8, initializer = "kinks", slopes = [0.1, 0.6], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 8, gain = 1.7 },
  { type = "tanh" },
  { type = "dense", units = 1 },
]
[task]
source = "sine"
support_size = 8
[meta]
strategy = "tinyreptile"
rounds = 12
cohort = 4
inner_learning_rate = 0.005
meta_learning_rate = 0.5
[evaluation]
every = 4
tasks = 6
query_size = 10
[fleet]
devices = 12
held_out = 3
deadline_ms = 20000
)";

inline Experiment experiment(const std::vector<Override>& overrides = {}) {
  const auto parsed = parse_experiment(kExperiment, "faults.toml", overrides);
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

struct Outcome {
  bool finished = false;
  std::string model_sha256;
  std::vector<rounds::RoundRecord> rounds;
  std::vector<rounds::EvaluationRecord> evaluations;
  std::vector<coordinator::TranscriptEvent> transcript;
  std::vector<std::string> roster;
};

/// Runs a world; `disturb` may watch and interfere.
inline Outcome run_world(const Experiment& setup, const WorldOptions& options = {}, WorldObserver observer = {},
                         const coordinator::RunSnapshot* replay = nullptr,
                         const std::function<bool(World&)>& disturb = {}, const rounds::Executor& executor = {}) {
  coordinator::CoordinatorConfig config;
  config.executor = executor;
  config.experiment = setup;
  config.master_key = simulations::simulation_key();
  config.run = 5;
  config.mode = replay != nullptr ? coordinator::RunMode::kReplay : coordinator::RunMode::kLive;
  const auto tasks = TaskGenerator::create(setup, nullptr);
  if (!tasks) FAIL(tasks.error().message);
  World world(config, *tasks, options, replay);
  Outcome outcome;
  observer.on_round = [&](const auto& record) { outcome.rounds.push_back(record); };
  observer.on_evaluation = [&](const auto& record) { outcome.evaluations.push_back(record); };
  observer.on_event = [&](const auto& event) { outcome.transcript.push_back(event); };
  outcome.finished = world.run(observer, [&] { return disturb ? disturb(world) : false; });
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(world.coordinator().model().digest(), hex);
  outcome.model_sha256 = hex;
  outcome.roster = world.coordinator().roster();
  return outcome;
}

/// What a store would hold after such a run.
inline coordinator::RunSnapshot snapshot_of(const Outcome& outcome) {
  coordinator::RunSnapshot snapshot;
  snapshot.run = 5;
  snapshot.roster = outcome.roster;
  snapshot.transcript = outcome.transcript;
  return snapshot;
}

/// The run again, from what a store would hold.
inline Outcome replayed(const Experiment& setup, const Outcome& outcome) {
  const coordinator::RunSnapshot snapshot = snapshot_of(outcome);
  return run_world(setup, {}, {}, &snapshot);
}

}  // namespace skink::test
