#include "skink/simulations/sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

/// "run 3/10  12000/50000 rounds  90000 device-rounds/s  8 s left"
class SweepLine {
 public:
  explicit SweepLine(bool is_quiet) : line_(is_quiet) {}
  void show(const SweepProgress& sweep) {
    const bool is_last = sweep.runs_done == sweep.runs;
    if (!line_.is_due(is_last)) return;
    const double seconds = sweep.wall_seconds;
    const double rate = seconds > 0 ? static_cast<double>(sweep.device_rounds) / seconds : 0;
    const auto left = static_cast<double>(sweep.rounds - std::min(sweep.rounds_done, sweep.rounds));
    const double per_round = sweep.rounds_done > 0 ? seconds / static_cast<double>(sweep.rounds_done) : 0;
    char text[160];
    std::snprintf(text, sizeof text, "%zu of %zu runs  round %llu/%llu  %.0f device-rounds/s  %.0f s left",
                  sweep.runs_done, sweep.runs, static_cast<unsigned long long>(sweep.rounds_done),
                  static_cast<unsigned long long>(sweep.rounds), rate, left * per_round);
    line_.print(text, is_last);
  }

 private:
  TerminalLine line_;
};

/// Reads --grid, --seeds, --set. @returns kOk, or prints what is wrong.
int read(const SweepArguments& arguments, SweepOptions& options) {
  for (const std::string& text : arguments.grid) {
    auto axis = parse_axis(text);
    if (!axis) return fail(ExitCode::kUsage, axis.error().message);
    const auto has_key = [&axis](const auto& other) { return other.key == axis->key; };
    if (std::any_of(options.axes.begin(), options.axes.end(), has_key)) {
      return fail(ExitCode::kUsage, "--grid: " + axis->key + " is there twice");
    }
    options.axes.push_back(std::move(*axis));
  }
  auto seeds = parse_seeds(arguments.seeds);
  if (!seeds) return fail(ExitCode::kUsage, seeds.error().message);
  options.seeds = std::move(*seeds);
  auto overrides = parse_overrides(arguments.experiment.settings);
  if (!overrides) return fail(ExitCode::kUsage, overrides.error().message);
  options.overrides = std::move(*overrides);
  for (const Override& setting : options.overrides) {
    const auto has_key = [&setting](const GridAxis& axis) { return axis.key == setting.key; };
    if (setting.key == "seed" || std::any_of(options.axes.begin(), options.axes.end(), has_key)) {
      return fail(ExitCode::kUsage, "--set: " + setting.key + " is swept; leave it to --grid and --seeds");
    }
  }
  return find_isa(arguments.speed.isa, options.isa);
}

}  // namespace

int sweep(const SweepArguments& arguments) {
  SweepOptions options;
  const int code = read(arguments, options);
  if (code != kOk) return code;
  options.experiment_file = arguments.experiment.file;
  options.data_dir = arguments.experiment.data;
  options.out_dir = arguments.out;
  options.lanes = arguments.speed.lanes;
  options.threads = arguments.speed.threads;
  options.restarts = arguments.restarts;
  SweepLine progress(arguments.is_quiet);
  options.on_progress = [&progress](const SweepProgress& sweep) { progress.show(sweep); };
  options.stop = [] { return is_interrupted(); };
  const auto result = run_sweep(options);
  if (!result) {
    const bool is_refused = result.error().code == Status::kInvalidArgument;
    return fail(is_refused ? ExitCode::kConfiguration : ExitCode::kData, result.error().message);
  }
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  if (result->found > 0) std::printf("%zu of %zu runs were there already\n", result->found, result->runs.size());
  std::printf("%s", to_table(*result).c_str());
  for (const SweepRun& run : result->runs) {
    if (run.state == SweepRun::State::kFailed) {
      std::fprintf(stderr, "skink-sim: %s/%s: %s\n", arguments.out.c_str(), run.folder.c_str(), run.problem.c_str());
    }
  }
  if (result->failed > 0) {
    return fail(ExitCode::kInternal,
                std::to_string(result->failed) + " runs failed; " + arguments.out + "/runs.csv has all");
  }
  if (result->finished < result->runs.size()) {
    std::printf("stopped after %zu of %zu runs; the same command goes on\n", result->finished, result->runs.size());
  }
  return kOk;
}

}  // namespace skink::simulations::cli
