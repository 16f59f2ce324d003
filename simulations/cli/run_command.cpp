#include <cstdio>

#include "skink/coordinator/results/claim.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/program/printable.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

/// Loads the data and takes the folder, which is locked. @returns kOk, or prints what is wrong.
int prepare(const RunArguments& arguments, bool is_first, RunOptions& options) {
  const TaskConfig& task = options.experiment.task;
  auto dataset = load_dataset(task, arguments.experiment.data);
  if (!dataset) return fail(exit_code_of(dataset.error(), ExitCode::kData), dataset.error().message);
  auto resolved = resolve(options.experiment, dataset->get());
  if (!resolved) return fail(exit_code_of(resolved.error(), ExitCode::kData), resolved.error().message);
  options.experiment = std::move(*resolved);
  options.dataset = std::move(*dataset);
  if (options.dataset != nullptr) options.dataset_sha256 = options.dataset->fingerprint();
  options.experiment_id = experiment_sha256(options.experiment);
  if (!is_first || arguments.out.empty()) return kOk;
  const auto claimed = coordinator::claim_folder(
      arguments.out, {options.experiment, options.dataset_sha256,
                      arguments.restarts ? coordinator::Found::kReplace : coordinator::Found::kKeep,
                      "name another --out, or give --restart to replace it"});
  return claimed ? kOk : fail(exit_code_of(claimed.error(), ExitCode::kStore), claimed.error().message);
}

void set_options(const RunArguments& arguments, RunOptions& options) {
  options.peers = arguments.peers;
  options.threads = arguments.speed.threads;
  options.lanes = arguments.speed.lanes;
  options.restarts = arguments.restarts;
  options.data_dir = arguments.experiment.data;
  options.init_file = arguments.experiment.init;
  options.out_dir = arguments.out;
  options.checkpoint_rounds = arguments.checkpoint_rounds;
  options.on_trouble = [](const std::string& what) {
    std::fprintf(stderr, "skink-sim: %s; the run goes on without it\n", printable(what).c_str());
  };
  options.give_up = [] { return is_interrupted(); };
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
  code = prepare(arguments, is_first, options);
  if (code != kOk) return code;
  catch_interruptions();  // until now a signal ends the program at once, and loses nothing
  auto updates = open_updates(arguments.updates);
  if (!updates) return fail(ExitCode::kStore, updates.error().message);
  set_options(arguments, options);
  RunProgress progress(verbosity(arguments.is_quiet || !is_first));
  if (*updates) options.on_update = observer_of(**updates);
  options.on_progress = [&progress](const Progress& run) { progress.show(run); };
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
  if (!is_first) return result->verdict.has_learned ? kOk : static_cast<int>(ExitCode::kNothingLearned);
  return warn(result->verdict);
}

}  // namespace skink::simulations::cli
