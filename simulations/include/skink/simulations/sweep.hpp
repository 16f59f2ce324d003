#pragma once
/// @file
/// Many runs of one experiment side by side, one a core: over a grid of settings and several seeds, with means and
/// 95 % intervals over the seeds. A run has a folder of its own below the sweep's; what is there already is not
/// computed again, what was interrupted goes on.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/config/overrides.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/run.hpp"

namespace skink::simulations {

/// One --grid option: the values that a key takes.
struct GridAxis {
  std::string key;
  std::vector<std::string> values;
};

/// "key=a,b,c"; commas within quotes, brackets and braces belong to a value, blanks around it do not. Errors: no key,
/// no value, the same value twice, a quote or bracket that is not closed.
Result<GridAxis> parse_axis(const std::string& text);

/// "7", "0..4", "1,2,7". Errors: anything else, the same seed twice, more than 10,000.
Result<std::vector<std::uint64_t>> parse_seeds(const std::string& text);

/// Errors: a grid would replace what another grid or --set says: the same key, or the table around it. And a seed in
/// `overrides`.
Result<void> check_keys(const std::vector<Override>& overrides, const std::vector<GridAxis>& axes);

/// All combinations, the last axis changing fastest; without axes one point without settings.
std::vector<std::vector<Override>> grid_points(const std::vector<GridAxis>& axes);

/// The grid, its seeds, and where results go.
struct SweepOptions {
  std::string experiment_file;
  std::vector<Override> overrides;  ///< for all runs
  std::vector<GridAxis> axes;
  std::vector<std::vector<Override>> points;  ///< in place of axes, which are combined
  std::vector<Arm> arms;  ///< in place of the file, its overrides and points: experiments, each with a name of its own
  std::vector<std::uint64_t> seeds;
  std::string init_file;  ///< the model that all runs begin with; empty: none is needed
  std::string data_dir;
  std::string out_dir;  ///< exists, and nobody else writes there (skink/host/files/folder_lock.hpp)
  const LaneFunctions* isa = nullptr;
  Lanes lanes = Lanes::kChosen;
  std::uint32_t threads = 0;                                     ///< runs at a time; 0: one for each core
  bool counts_wire = false;                                      ///< RunOptions::counts_wire
  bool restarts = false;                                         ///< computes every run anew
  std::function<void(const struct SweepProgress&)> on_progress;  ///< on any thread, one at a time
  std::function<bool()> stop;                                    ///< RunOptions::stop
  std::function<bool()> give_up;                                 ///< RunOptions::give_up
  std::function<void()> on_begin;  ///< before the first run that is computed: until then nothing is lost by a kill
};

/// How far a sweep is.
struct SweepProgress {
  std::size_t runs_done = 0;  ///< finished or failed
  std::size_t runs = 0;
  // what this process computes; of a run that goes on, the rest, from its first round on
  std::uint64_t rounds_done = 0;
  std::uint64_t rounds = 0;
  std::uint64_t device_rounds = 0;
  double wall_seconds = 0;
};

/// A run as its folder tells it.
struct SweepRun {
  /// What became of a run.
  enum class State : std::uint8_t {
    kAbsent,  ///< not begun, or not finished
    kFinished,
    kFailed,
  };
  std::size_t point = 0;  ///< or arm
  std::uint64_t seed = 0;
  std::string folder;  ///< below the sweep's
  State state = State::kAbsent;
  std::string problem;           ///< kFailed
  Cause cause = Cause::kUnsaid;  ///< kFailed, where it is not a bug of ours
  bool is_bug = false;           ///< likewise
  // of its summary.json
  std::uint64_t devices = 0;
  std::uint64_t held_out = 0;
  std::uint64_t parameters = 0;
  std::string uplink;
  std::uint64_t rounds = 0;
  std::uint64_t device_rounds = 0;
  double wall_seconds = 0;
  double device_rounds_per_second = 0;
  rounds::UpdateCounts updates;
  bool is_evaluated = false;
  bool classifies = false;
  std::uint64_t evaluation_rounds = 0;
  std::uint64_t evaluation_tasks = 0;
  std::uint64_t evaluation_diverged_tasks = 0;
  std::uint64_t query_samples = 0;
  std::uint64_t shared_readings = 0;  ///< coordinator::Summary
  std::optional<double> loss_before;  ///< nothing: no task had one; likewise the others
  std::optional<double> loss_after;
  std::optional<double> accuracy_before;
  std::optional<double> accuracy_after;
  std::uint64_t model_bytes = 0;
  std::string model_sha256;
};

/// All runs of a sweep, by point and seed.
struct SweepResult {
  std::vector<std::vector<Override>> points;  ///< of an arm: {"arm", its name}
  std::vector<SweepRun> runs;                 ///< point by point, the seeds in their order
  std::size_t finished = 0;
  std::size_t failed = 0;
  std::size_t found = 0;            ///< finished before
  std::size_t learned_nothing = 0;  ///< finished runs in which nothing was learned
  std::string verdict;              ///< of the first of them (coordinator::Verdict)
  Result<void> written;             ///< runs.csv and sweep.csv
};

/// Checks every combination first, then runs what is missing and writes runs.csv and sweep.csv. Errors: an experiment
/// that is refused or a folder of another experiment (kInvalidArgument), data not found. A run that fails is in the
/// result; the others go on.
Result<SweepResult> run_sweep(const SweepOptions& options);

/// Of the run with the most: SweepRun::shared_readings.
std::uint64_t most_shared_readings(const SweepResult& result);

/// sweep.csv, a line for each point, and runs.csv, a line for each run (docs/experiment-output.md).
std::string sweep_csv(const SweepResult& result);
std::string runs_csv(const SweepResult& result);
/// For people.
std::string to_table(const SweepResult& result);

}  // namespace skink::simulations
