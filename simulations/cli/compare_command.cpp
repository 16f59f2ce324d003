#include "skink/simulations/compare.hpp"

#include <cstdio>

#include "skink/host/program/printable.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {

int compare(const CompareArguments& arguments) {
  CompareOptions options;
  options.baseline = arguments.baseline;
  options.figure = arguments.figure;
  int code = read_sweep(arguments.sweep, {}, options.sweep);
  if (code != kOk) return code;
  auto arms = read_arms_of(arguments.files, options.sweep.overrides);
  if (!arms) return fail(exit_code_of(arms.error(), ExitCode::kConfiguration), arms.error().message);
  options.sweep.arms = std::move(*arms);
  ManyRuns many(arguments.sweep.is_quiet);
  code = many.begin(options.sweep);
  if (code != kOk) return code;
  const auto result = compare_arms(options);
  if (!result) return ManyRuns::refuse(result.error());
  many.end(result->sweep);
  const int ended = report_runs(result->sweep);
  if (!result->is_complete) return ended;
  std::printf("%s", printable(compare_table(*result)).c_str());
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  std::printf("\ncompare.csv, units.csv, compare.md and compare.svg are in %s\n", arguments.sweep.out.c_str());
  return ended;
}

}  // namespace skink::simulations::cli
