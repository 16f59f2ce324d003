#include <cstdio>

#include "skink/host/files/files.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

/// What was asked for: the file as it is now, and what the command line replaces in it. Both were read before.
std::string id_of(const ExperimentArguments& arguments) {
  const auto text = read_file(arguments.file);
  const auto overrides = parse_overrides(arguments.settings);
  return experiment_id(text ? *text : "", overrides ? *overrides : std::vector<Override>());
}

}  // namespace

int run(const RunArguments& arguments) {
  RunOptions options;
  options.engine = arguments.engine.value_or(arguments.updates.empty() ? Engine::kLearning : Engine::kProtocol);
  const bool has_peers = arguments.peers != nullptr && arguments.peers->count() > 1;
  if (options.engine == Engine::kProtocol && has_peers) {
    return fail(ExitCode::kUsage, "--engine protocol: runs in one process; several (mpirun) need the learning engine");
  }
  if (options.engine == Engine::kLearning && !arguments.updates.empty()) {
    return fail(ExitCode::kUsage, "--updates: the learning engine sends none, use --engine protocol");
  }
  int code = read(arguments.experiment, options.experiment);
  if (code == kOk) code = find_isa(arguments.speed.isa, options.isa);
  if (code != kOk) return code;
  const bool is_first = !has_peers || arguments.peers->rank() == 0;
  FolderLock lock;
  if (is_first && !arguments.out.empty()) {
    auto taken = FolderLock::take(arguments.out, kFolderIsTaken);
    if (!taken) return fail(ExitCode::kStore, taken.error().message);
    lock = std::move(*taken);
  }
  auto updates = open_updates(arguments.updates);
  if (!updates) return fail(ExitCode::kStore, updates.error().message);
  options.peers = arguments.peers;
  RunProgress progress(verbosity(arguments.is_quiet || !is_first));
  if (*updates) options.on_update = observer_of(**updates);
  options.threads = arguments.speed.threads;
  options.lanes = arguments.speed.lanes;
  options.experiment_id = id_of(arguments.experiment);
  options.restarts = arguments.restarts;
  options.data_dir = arguments.experiment.data;
  options.out_dir = arguments.out;
  options.checkpoint_rounds = arguments.checkpoint_rounds;
  options.on_progress = [&progress](const Progress& run) { progress.show(run); };
  options.on_trouble = [](const std::string& what) {
    std::fprintf(stderr, "skink-sim: %s; the run goes on without it\n", what.c_str());
  };
  options.stop = [] { return is_interrupted(); };
  const auto result = run_experiment(options);
  if (!result) return fail(exit_code_of(result.error(), ExitCode::kData), result.error().message);
  if (is_first && result->continued_after > 0) std::printf("continued after round %u\n", result->continued_after);
  if (is_first) std::printf("%s", coordinator::to_table(result->summary).c_str());
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  if (*updates && !(*updates)->written()) return fail(ExitCode::kStore, (*updates)->written().error().message);
  if (!result->finished) {
    if (is_first) std::printf("  stopped after %u rounds; the files hold what there is\n", result->summary.rounds);
    return has_peers || is_interrupted() ? kOk : static_cast<int>(ExitCode::kInternal);
  }
  return kOk;
}

}  // namespace skink::simulations::cli
