#include <cstdio>

#include "skink/coordinator/results/claim.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {

namespace {

/// Prints whether the replayed models are the stored ones. @returns the exit code.
int compare(const std::vector<rounds::RoundRecord>& stored, const RunResult& result, std::size_t events) {
  for (std::uint32_t round = 0; round < stored.size(); ++round) {
    const std::string& then = stored[round].model_sha256;
    const std::string now = round < result.rounds.size() ? result.rounds[round].model_sha256 : "(not reached)";
    if (then != now) {
      std::printf("skink replay: round %u stored %s replayed %s DIFFERENT\n", round, then.c_str(), now.c_str());
      return static_cast<int>(ExitCode::kDifferent);
    }
  }
  std::printf("skink replay: %zu rounds, %zu transcript events, stored %s replayed %s equal\n", stored.size(), events,
              stored.back().model_sha256.c_str(), result.rounds.back().model_sha256.c_str());
  return kOk;
}

}  // namespace

int replay(const ReplayArguments& arguments) {
  const auto store = coordinator::Store::open_to_read(arguments.store);
  if (!store) return fail(ExitCode::kStore, store.error().message);
  const auto snapshot = store->load();
  const auto stored = store->rounds();
  if (!snapshot || !stored) return fail(ExitCode::kStore, (snapshot ? stored.error() : snapshot.error()).message);
  if (stored->empty()) return fail(ExitCode::kStore, arguments.store + ": no round is finished yet");
  auto experiment = parse_experiment(snapshot->experiment_text, arguments.store + " (experiment)", snapshot->overrides);
  if (!experiment) return fail(ExitCode::kConfiguration, experiment.error().message);
  if (!experiment->init.is_random()) {
    const auto set = set_initial_model(*experiment, {snapshot->initial_model.data(), snapshot->initial_model.size()},
                                       arguments.store);
    if (!set) return fail(ExitCode::kStore, set.error().message);
  }

  FolderLock lock;
  if (!arguments.out.empty()) {
    auto taken = FolderLock::take(arguments.out, kFolderIsTaken);
    if (!taken) return fail(ExitCode::kStore, taken.error().message);
    lock = std::move(*taken);
  }
  auto updates = open_updates(arguments.updates);
  if (!updates) return fail(ExitCode::kStore, updates.error().message);
  RunProgress progress(verbosity(arguments.is_quiet));
  RunOptions options;
  options.engine = Engine::kProtocol;
  if (*updates) options.on_update = observer_of(**updates);
  options.experiment = *experiment;
  options.experiment.evaluation.tasks = 0;  // the model does not depend on evaluations
  options.experiment.evaluation.final_tasks = 0;
  if (!arguments.out.empty()) {
    const auto claimed = coordinator::claim_folder(
        arguments.out, {options.experiment, "", coordinator::Found::kKeep, "name another --out"});
    if (!claimed) return fail(exit_code_of(claimed.error(), ExitCode::kStore), claimed.error().message);
  }
  options.data_dir = arguments.data;
  options.out_dir = arguments.out;
  options.run = snapshot->run;
  options.replay = &*snapshot;
  std::uint32_t done = 0;
  options.on_progress = [&](const Progress& run) {
    done = run.rounds_done;
    progress.show(run);
  };
  options.stop = [&] { return done >= stored->size(); };
  options.give_up = [] { return is_interrupted(); };
  catch_interruptions();
  const auto result = run_experiment(options);
  if (!result) return fail(ExitCode::kData, result.error().message);
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  if (*updates && !(*updates)->written()) return fail(ExitCode::kStore, (*updates)->written().error().message);
  if (is_interrupted()) return fail(ExitCode::kInternal, "stopped after " + std::to_string(done) + " rounds");
  return compare(*stored, *result, snapshot->transcript.size());
}

}  // namespace skink::simulations::cli
