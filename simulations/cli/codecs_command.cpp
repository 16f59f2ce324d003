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
  int code = read(arguments, options);
  if (code != kOk) return code;
  ManyRuns many(arguments.sweep.is_quiet);
  code = many.begin(options.sweep);
  if (code != kOk) return code;
  const auto result = compare_codecs(options);
  if (!result) return ManyRuns::refuse(result.error());
  many.end(result->sweep);
  const int ended = report_runs(result->sweep);
  if (!result->is_complete) return ended;
  std::printf("%s", codecs_table(*result, options.encode_instructions).c_str());
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  std::printf("codecs.csv, codecs.md and codecs.svg are in %s\n", arguments.sweep.out.c_str());
  return ended;
}

}  // namespace skink::simulations::cli
