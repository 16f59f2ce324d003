#pragma once
/// @file
/// What the commands of skink-sim have in common: errors, interruption, the progress line, and how arguments are read.

#include <functional>
#include <optional>
#include <string>

#include "commands.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/files/line_file.hpp"
#include "skink/host/program/exit_codes.hpp"
#include "skink/host/program/progress_line.hpp"
#include "skink/simulations/bench.hpp"
#include "skink/simulations/run.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations::cli {

inline constexpr int kOk = static_cast<int>(ExitCode::kOk);

/// Of a folder that two programs would write to (FolderLock).
inline constexpr const char* kFolderIsTaken = "another skink-sim computes here; wait for it or name another --out";

/// Prints the message and returns the code.
int fail(ExitCode code, const std::string& message);

/// Prints what a run's user has to be told. @returns kOk, or that nothing was learned.
int warn(const coordinator::Verdict& verdict);

/// From now on SIGINT, SIGTERM and SIGHUP are only noted.
void catch_interruptions();
bool is_interrupted();
/// Of a command that has nothing to save: prints the message, and the signal ends the program, as it would have at
/// first.
int end_interrupted(const std::string& message);

/// What --quiet says.
inline Verbosity verbosity(bool is_quiet) { return is_quiet ? Verbosity::kQuiet : Verbosity::kNormal; }

/// "round 120/500  640 device-rounds/s  3 s left"
class RunProgress {
 public:
  explicit RunProgress(Verbosity verbosity) : line_(verbosity) {}
  void show(const Progress& run);

 private:
  ProgressLine line_;
};

/// What --set and --rounds say. Errors: kInvalidArgument.
Result<std::vector<Override>> overrides_of(const ExperimentArguments& arguments);

/// @returns the exit code kOk and `out`, or prints what is wrong.
int read(const ExperimentArguments& arguments, Experiment& out);

/// @returns the exit code kOk and `out`, null for the widest; or prints what is wrong.
int find_isa(const std::string& name, const LaneFunctions*& out);

/// A network of `bench` by name, else from an experiment file.
Result<BenchNet> find_bench_net(const std::string& name);

/// The file that --updates names, if it does.
Result<std::optional<LineFile>> open_updates(const std::string& path);
std::function<void(const coordinator::TakenUpdate&)> observer_of(LineFile& updates);

/// "3 of 10 runs  round 12000/50000  90000 device-rounds/s  8 s left"
class SweepProgressLine {
 public:
  explicit SweepProgressLine(Verbosity verbosity) : line_(verbosity) {}
  void show(const SweepProgress& sweep);
  /// What is printed next begins a line of its own.
  void end() { line_.end(); }

 private:
  ProgressLine line_;
};

/// The folder and the progress line of a command that runs many experiments.
class ManyRuns {
 public:
  explicit ManyRuns(bool is_quiet) : progress_(verbosity(is_quiet)) {}

  /// Locks options.out_dir and sets options.on_progress, which borrows from this object.
  /// @returns kOk, or prints why not: another program has the folder, it cannot be written, or it is of one run.
  int begin(SweepOptions& options);
  /// Prints why nothing was computed. @returns the exit code.
  static int refuse(const Error& error);
  /// After all runs: ends the line, and prints how many runs were there.
  void end(const SweepResult& result);

 private:
  FolderLock lock_;
  SweepProgressLine progress_;
};

/// What all commands that run many experiments read: not the grid, which `axes` are, nor `on_progress`.
/// @returns kOk, or prints what is wrong.
int read_sweep(const SweepArguments& arguments, const std::vector<GridAxis>& axes, SweepOptions& options);

/// Prints which runs failed or are missing. @returns the exit code.
int report_runs(const SweepResult& result);

}  // namespace skink::simulations::cli
