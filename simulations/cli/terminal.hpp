#pragma once
/// @file
/// What the commands of skink-sim have in common: errors, interruption, the progress line, and how arguments are read.

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "commands.hpp"
#include "skink/host/files/line_file.hpp"
#include "skink/host/program/exit_codes.hpp"
#include "skink/simulations/bench.hpp"
#include "skink/simulations/run.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations::cli {

inline constexpr int kOk = static_cast<int>(ExitCode::kOk);

/// Of a folder that two programs would write to (FolderLock).
inline constexpr const char* kFolderIsTaken = "another skink-sim computes here; wait for it or name another --out";

/// Prints the message and returns the code.
int fail(ExitCode code, const std::string& message);

/// From now on SIGINT, SIGTERM and SIGHUP are only noted.
void catch_interruptions();
bool is_interrupted();

/// A line that is written over itself, twice a second on a terminal; elsewhere a line every ten seconds.
class TerminalLine {
 public:
  explicit TerminalLine(bool is_quiet);
  /// The last is always due.
  bool is_due(bool is_last);
  void print(const std::string& text, bool is_last);
  /// Leaves the line as it is.
  void end();

 private:
  bool is_quiet_;
  bool on_terminal_;
  bool is_open_ = false;  ///< it would be written over
  std::chrono::steady_clock::time_point shown_;
};

/// "round 120/500  640 device-rounds/s  3 s left"
class ProgressLine {
 public:
  explicit ProgressLine(bool is_quiet) : line_(is_quiet) {}
  void show(const Progress& run);

 private:
  TerminalLine line_;
};

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
class SweepLine {
 public:
  explicit SweepLine(bool is_quiet) : line_(is_quiet) {}
  void show(const SweepProgress& sweep);
  /// What is printed next begins a line of its own.
  void end() { line_.end(); }

 private:
  TerminalLine line_;
};

/// What all commands that run many experiments read: not the grid, which `axes` are, nor `on_progress`.
/// @returns kOk, or prints what is wrong.
int read_sweep(const SweepArguments& arguments, const std::vector<GridAxis>& axes, SweepOptions& options);

/// Prints how many runs were not computed again.
void report_found(const SweepResult& result);
/// Prints which runs failed or are missing. @returns the exit code.
int report_runs(const SweepResult& result);

}  // namespace skink::simulations::cli
