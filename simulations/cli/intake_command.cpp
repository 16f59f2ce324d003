#include "skink/simulations/intake_bench.hpp"

#include <cstdio>

#include "terminal.hpp"

namespace skink::simulations::cli {

int intake(const IntakeArguments& arguments) {
  const auto net = find_bench_net(arguments.net);
  if (!net) return fail(ExitCode::kUsage, net.error().message);
  IntakeOptions options;
  options.net = *net;
  if (arguments.cohort != 0) options.net.cohort = arguments.cohort;
  if (!arguments.codecs.empty()) options.codecs = arguments.codecs;
  options.threads = arguments.threads;
  options.seconds = arguments.seconds;
  options.on_progress = [&arguments](const std::string& text) {
    if (!arguments.is_quiet) std::fprintf(stderr, "measuring %s\n", text.c_str());
  };
  const auto rows = run_intake_bench(options);
  if (!rows) {
    const bool is_codec = rows.error().message.rfind("--codec", 0) == 0;
    return fail(is_codec ? ExitCode::kUsage : ExitCode::kInternal, rows.error().message);
  }
  std::printf("%s", to_table(*rows).c_str());
  return kOk;
}

}  // namespace skink::simulations::cli
