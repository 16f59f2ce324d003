#pragma once
/// @file
/// One whole simulated run: experiment in, files out. Two engines compute it, and give the same model to the bit.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skink/coordinator/results/summary.hpp"
#include "skink/coordinator/results/verdict.hpp"
#include "skink/rounds/round_history.hpp"
#include "skink/simulations/learning/lanes.hpp"
#include "skink/simulations/learning/peers.hpp"
#include "skink/simulations/protocol/world.hpp"
#include "skink/simulations/wire_totals.hpp"

namespace skink::simulations {

/// How far a run is.
struct Progress {
  std::uint32_t rounds_done = 0;
  std::uint32_t rounds = 0;
  std::uint64_t device_rounds = 0;
  double wall_seconds = 0;  ///< that these took, in all processes
  const rounds::EvaluationRecord* last_evaluation = nullptr;
};

/// What computes a run.
enum class Engine : std::uint8_t {
  kProtocol,  ///< every message encoded, authenticated and decoded as on the wire, in virtual time
  kLearning,  ///< the same rounds and kernels without messages, many devices at once: for speed
};

/// What the lanes of a SIMD vector are (docs/design.md). The model does not depend on it.
enum class Lanes : std::uint8_t {
  kChosen,  ///< by the network and the cohort
  kDevice,  ///< a device each
  kNeuron,  ///< neurons of one device; no query gradients
  kScalar,  ///< there is one lane
};

/// What is run, and who is told.
struct RunOptions {
  Experiment experiment;
  std::string data_dir;                    ///< --data; empty: the environment's SKINK_DATA
  std::shared_ptr<const Dataset> dataset;  ///< that of the tasks; null: it is found and loaded
  std::string init_file;                   ///< the model that the experiment begins with; empty: none is needed
  std::string dataset_sha256;              ///< of it; empty: not known, or no data set
  std::string out_dir;                     ///< exists; empty: nothing is written
  Engine engine = Engine::kLearning;
  // learning engine
  /// Tells experiments apart; not empty: with an `out_dir`, a checkpoint is written there about every ten seconds,
  /// every `checkpoint_rounds` rounds, and when the run is stopped, and a run that finds one goes on from it.
  std::string experiment_id;
  bool counts_wire = false;            ///< bytes on the network; wire.csv beside the other results
  bool restarts = false;               ///< a checkpoint that is there counts for nothing
  const LaneFunctions* isa = nullptr;  ///< null: the widest that this processor has
  Lanes lanes = Lanes::kChosen;
  std::uint32_t threads = 0;    ///< of either engine; 0: one for each core
  StageClock* clock = nullptr;  ///< of what takes the time, with one thread and no evaluation; null: none
  Peers* peers = nullptr;       ///< processes that compute the run with this one; null: none
  // protocol engine
  WorldOptions world;
  std::uint64_t run = 1;
  std::uint64_t checkpoint_rounds = 0;  ///< model-<rounds>.skm every so many rounds; 0: none
  const coordinator::RunSnapshot* replay = nullptr;
  std::function<void(const Progress&)> on_progress;                ///< after every round
  std::function<void(const coordinator::TakenUpdate&)> on_update;  ///< every change that is taken
  std::function<void(const std::string&)> on_trouble;  ///< the first file that cannot be written, when that happens
  std::function<bool()> stop;                          ///< asked between rounds: the run ends there
  /// Asked often, also within rounds and evaluations, on any thread; once it says so it must not say otherwise. The run
  /// ends at once, where it was after the last round that was finished.
  std::function<bool()> give_up;
};

/// What a run ended with.
struct RunResult {
  std::string lanes;                  ///< "device" or "neuron"; learning engine
  std::string isa;                    ///< likewise
  std::uint32_t continued_after = 0;  ///< rounds that an earlier process has done
  coordinator::Summary summary;
  bool finished = false;
  rounds::RoundHistory rounds;
  std::vector<rounds::EvaluationRecord> evaluations;
  std::vector<WireRow> wire;     ///< with counts_wire: at each evaluation
  coordinator::Verdict verdict;  ///< of a run that is finished
  Result<void> written;          ///< the first file that could not be written; everything else holds all the same
};

/// Keeps the first failure in `result` and tells it.
void note_written(const RunOptions& options, const Result<void>& written, RunResult& result);

/// Runs and writes summary.json, metrics.csv and model.skm. A run that was stopped writes what there
/// is. Errors: data not found or unusable; the message says which and what to do.
Result<RunResult> run_experiment(const RunOptions& options);
Result<RunResult> run_protocol(const RunOptions& options);
Result<RunResult> run_learning(const RunOptions& options);

/// The last evaluation of a run that ended with this model: the same tasks, and the same figures if the experiment is
/// the same. Uses the experiment, its data, isa, lanes, threads and stop of `options`. Errors: as run_experiment(); the
/// file cannot be read, or is not a model of the experiment's network.
Result<RunResult> evaluate_model(const RunOptions& options, const std::string& path);

/// The key of every simulated fleet; secrecy is of no use there.
crypto::Key simulation_key();

}  // namespace skink::simulations
