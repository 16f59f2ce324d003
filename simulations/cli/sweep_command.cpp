#include "skink/simulations/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "skink/coordinator/results/claim.hpp"
#include "skink/coordinator/results/verdict.hpp"
#include "skink/host/program/printable.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

/// Reads --grid. @returns kOk, or prints what is wrong.
int read_grid(const SweepArguments& arguments, SweepOptions& options) {
  for (const std::string& text : arguments.grid) {
    auto axis = parse_axis(text);
    if (!axis) return fail(ExitCode::kUsage, axis.error().message);
    options.axes.push_back(std::move(*axis));
  }
  return kOk;
}

}  // namespace

void SweepProgressLine::show(const SweepProgress& sweep) {
  const Work work = sweep.runs_done == sweep.runs ? Work::kIsDone : Work::kGoesOn;
  if (!line_.is_due(work)) return;
  const double seconds = sweep.wall_seconds;
  const double rate = seconds > 0 ? static_cast<double>(sweep.device_rounds) / seconds : 0;
  const auto left = static_cast<double>(sweep.rounds - std::min(sweep.rounds_done, sweep.rounds));
  const double per_round = sweep.rounds_done > 0 ? seconds / static_cast<double>(sweep.rounds_done) : 0;
  char text[160];
  std::snprintf(text, sizeof text, "%zu of %zu runs  round %llu/%llu  %.0f device-rounds/s  %.0f s left",
                sweep.runs_done, sweep.runs, static_cast<unsigned long long>(sweep.rounds_done),
                static_cast<unsigned long long>(sweep.rounds), rate, left * per_round);
  line_.print(text, work);
}

int read_sweep(const SweepArguments& arguments, const std::vector<GridAxis>& axes, SweepOptions& options) {
  auto seeds = parse_seeds(arguments.seeds);
  if (!seeds) return fail(ExitCode::kUsage, seeds.error().message);
  options.seeds = std::move(*seeds);
  auto overrides = overrides_of(arguments.experiment);
  if (!overrides) return fail(exit_code_of(overrides.error(), ExitCode::kUsage), overrides.error().message);
  options.overrides = std::move(*overrides);
  const auto checked = check_keys(options.overrides, axes);
  if (!checked) return fail(ExitCode::kUsage, checked.error().message);
  options.experiment_file = arguments.experiment.file;
  options.data_dir = arguments.experiment.data;
  options.init_file = arguments.experiment.init;
  options.out_dir = arguments.out;
  options.lanes = arguments.speed.lanes;
  options.threads = arguments.speed.threads;
  options.restarts = arguments.restarts;
  options.give_up = [] { return is_interrupted(); };
  options.on_begin = catch_interruptions;  // until then a signal ends the program at once, and loses nothing
  return find_isa(arguments.speed.isa, options.isa);
}

int ManyRuns::begin(SweepOptions& options) {
  auto lock = FolderLock::take(options.out_dir, kFolderIsTaken);
  const auto free = lock ? coordinator::check_no_run(options.out_dir) : Result<void>(lock.error());
  if (!free) return fail(exit_code_of(free.error(), ExitCode::kStore), free.error().message);
  lock_ = std::move(*lock);
  options.on_progress = [this](const SweepProgress& sweep) { progress_.show(sweep); };
  return kOk;
}

int ManyRuns::refuse(const Error& error) {
  return fail(error.code == Status::kInvalidArgument ? ExitCode::kConfiguration : ExitCode::kData, error.message);
}

void ManyRuns::end(const SweepResult& result) {
  progress_.end();
  if (result.found > 0) std::printf("%zu of %zu runs were there already\n", result.found, result.runs.size());
}

namespace {

/// What is wrong with several runs is said once.
void report_failures(const SweepResult& result) {
  std::vector<std::pair<std::string, std::vector<std::string>>> problems;  // with the folders, in their order
  for (const SweepRun& run : result.runs) {
    if (run.state != SweepRun::State::kFailed) continue;
    const auto same = std::find_if(problems.begin(), problems.end(),
                                   [&run](const auto& problem) { return problem.first == run.problem; });
    (same != problems.end() ? *same : problems.emplace_back(run.problem, std::vector<std::string>()))
        .second.push_back(run.folder);
  }
  for (const auto& [problem, folders] : problems) {
    const std::string more = folders.size() > 1 ? fmt::format(" and {} more", folders.size() - 1) : "";
    std::fprintf(stderr, "skink-sim: %s%s: %s\n", printable(folders.front()).c_str(), more.c_str(),
                 printable(problem).c_str());
  }
}

/// That of the first, or of a bug of ours.
ExitCode code_of_failures(const SweepResult& result) {
  ExitCode code = ExitCode::kOk;
  for (const SweepRun& run : result.runs) {
    if (run.state != SweepRun::State::kFailed) continue;
    if (run.is_bug) return ExitCode::kInternal;
    if (code == ExitCode::kOk) code = exit_code_of({{}, run.problem, run.cause}, ExitCode::kData);
  }
  return code;
}

/// @returns the exit code.
int report_learning(const SweepResult& result) {
  if (result.learned_nothing == 0) return kOk;
  const std::string text =
      fmt::format("{} of {} runs learned nothing. {}", result.learned_nothing, result.runs.size(), result.verdict);
  if (result.learned_nothing == result.finished) return fail(ExitCode::kNothingLearned, text);
  std::fprintf(stderr, "skink-sim: warning: %s\n", printable(text).c_str());
  return kOk;
}

}  // namespace

int report_runs(const SweepResult& result) {
  report_failures(result);
  if (result.finished + result.failed < result.runs.size()) {
    std::printf("stopped after %zu of %zu runs; the same command goes on\n", result.finished, result.runs.size());
  }
  if (!result.written) return fail(ExitCode::kStore, result.written.error().message);
  const std::uint64_t readings = most_shared_readings(result);
  if (readings > 0) {
    std::fprintf(stderr, "skink-sim: warning: %s\n", coordinator::shared_readings_text(readings).c_str());
  }
  if (result.failed == 0) return report_learning(result);
  return fail(code_of_failures(result), std::to_string(result.failed) + " of " + std::to_string(result.runs.size()) +
                                            " runs failed; the same command tries them again");
}

int sweep(const SweepArguments& arguments) {
  SweepOptions options;
  int code = read_grid(arguments, options);
  if (code == kOk) code = read_sweep(arguments, options.axes, options);
  if (code != kOk) return code;
  ManyRuns many(arguments.is_quiet);
  code = many.begin(options);
  if (code != kOk) return code;
  const auto result = run_sweep(options);
  if (!result) return ManyRuns::refuse(result.error());
  many.end(*result);
  std::printf("%s", to_table(*result).c_str());
  return report_runs(*result);
}

}  // namespace skink::simulations::cli
