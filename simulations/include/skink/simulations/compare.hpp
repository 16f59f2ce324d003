#pragma once
/// @file
/// Several experiments side by side, judged by the same people or tasks: what each reaches, and what differs, paired.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"
#include "skink/rounds/records.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations {

/// What is compared.
struct CompareOptions {
  SweepOptions sweep;    ///< with arms; without a file, overrides and points
  std::string baseline;  ///< name of the arm that others are compared with; empty: the first
  std::string figure;    ///< a column of devices.csv without "_before"; empty: what the objective suggests
};

/// A unit in one arm: means over the seeds that have a figure.
struct UnitRow {
  std::string name;
  double before = rounds::kNotMeasured;
  double after = rounds::kNotMeasured;
  double gain = rounds::kNotMeasured;  ///< over the seeds that have both
};

/// Against the baseline, after adaptation: this arm minus it.
struct Difference {
  std::size_t pairs = 0;      ///< units that both have
  rounds::Spread over_units;  ///< mean, half of a 95 % interval
  std::size_t better = 0;     ///< units that this arm serves better
  std::size_t worse = 0;
  double wilcoxon = rounds::kNotMeasured;  ///< two-sided p of the signed-rank test
  double sign = rounds::kNotMeasured;      ///< of the sign test
  rounds::Spread over_seeds;               ///< of the means of each seed; half_width NaN with one seed
};

/// One arm.
struct ArmRow {
  std::string name;
  std::size_t seeds = 0;
  std::vector<UnitRow> units;
  rounds::Spread before;  ///< over units
  rounds::Spread after;
  rounds::Spread gain;                        ///< after minus before, of the units that have both
  double worst_tenth = rounds::kNotMeasured;  ///< mean after of the worst tenth of units, at least one
  std::optional<Difference> difference;       ///< none: the baseline itself, or no unit in common
  rounds::UpdateCounts updates;               ///< of all seeds
  std::uint64_t tasks = 0;
  std::uint64_t diverged_tasks = 0;
  std::optional<std::size_t> arena_bytes;   ///< RAM that a device learns in; none: no device learns
  std::optional<std::size_t> update_bytes;  ///< of an encoded change, at most; none: none is sent
};

/// The rows, and what has to be said of them.
struct CompareResult {
  SweepResult sweep;
  bool is_complete = false;  ///< all runs are finished; otherwise nothing follows
  std::string figure;
  bool higher_is_better = true;
  rounds::Unit unit = rounds::Unit::kTask;  ///< of the baseline: kTask, kClient or kPart
  std::size_t baseline = 0;
  std::vector<ArmRow> arms;
  std::vector<std::string> notes;  ///< sentences: arms that are equal, or judged by other tasks; units left out
  Result<void> written;            ///< compare.csv, compare.md, compare.svg, units.csv
};

/// Reads the arms of files, one after the other: read_arms(). Arms of one name are told apart by their files.
/// @returns kInvalidArgument: fewer than two arms, or the same file twice; others as read_arms().
Result<std::vector<Arm>> read_arms_of(const std::vector<std::string>& files, const std::vector<Override>& overrides);

/// Runs what is missing, as run_sweep() does, and writes tables and plot. Errors: as run_sweep(); no arm of the
/// baseline's name, arms without evaluation, a figure that an arm does not have.
Result<CompareResult> compare_arms(const CompareOptions& options);

/// Markdown: an aligned table, what it is of, and the notes.
std::string compare_table(const CompareResult& result);
/// A line for each arm, and a line for each arm and unit (docs/experiment-output.md).
std::string compare_csv(const CompareResult& result);
std::string units_csv(const CompareResult& result);
/// A row for each arm: its units, and means before and after with their intervals.
std::string compare_svg(const CompareResult& result);

}  // namespace skink::simulations
