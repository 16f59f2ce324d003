#include "skink/simulations/codecs.hpp"

#include <cstdio>

#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

/// @returns kOk, or prints what is wrong.
int read(const CodecsArguments& arguments, CodecsOptions& options) {
  if (arguments.codecs.empty()) {
    options.choices = usual_choices();
  } else {
    auto choices = parse_choices(arguments.codecs);
    if (!choices) return fail(ExitCode::kUsage, choices.error().message);
    options.choices = std::move(*choices);
  }
  if (!arguments.encoding.empty()) {
    auto instructions = read_encode_instructions(arguments.encoding);
    if (!instructions) return fail(ExitCode::kUsage, instructions.error().message);
    options.encode_instructions = std::move(*instructions);
  }
  options.share = arguments.share;
  const std::vector<GridAxis> codec{{"codec.uplink", {}}, {"codec.downlink", {}}};
  return read_sweep(arguments.sweep, codec, options.sweep);
}

}  // namespace

int codecs(const CodecsArguments& arguments) {
  CodecsOptions options;
  const int code = read(arguments, options);
  if (code != kOk) return code;
  const auto lock = take_folder_of_many(arguments.sweep.out);
  if (!lock) return fail(exit_code_of(lock.error(), ExitCode::kStore), lock.error().message);
  SweepProgressLine progress(verbosity(arguments.sweep.is_quiet));
  options.sweep.on_progress = [&progress](const SweepProgress& sweep) { progress.show(sweep); };
  const auto result = compare_codecs(options);
  if (!result) {
    const bool is_refused = result.error().code == Status::kInvalidArgument;
    return fail(is_refused ? ExitCode::kConfiguration : ExitCode::kData, result.error().message);
  }
  progress.end();
  report_found(result->sweep);
  const int ended = report_runs(result->sweep);
  if (!result->is_complete) return ended;
  std::printf("%s", codecs_table(*result, options.encode_instructions).c_str());
  std::printf("codecs.csv, codecs.md and codecs.svg are in %s\n", arguments.sweep.out.c_str());
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  return ended;
}

}  // namespace skink::simulations::cli
