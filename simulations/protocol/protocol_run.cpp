#include "skink/simulations/run.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "skink/coordinator/results/results.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::simulations {

crypto::Key simulation_key() {
  crypto::Key key;
  for (std::size_t i = 0; i < crypto::kKeyBytes; ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  return key;
}

namespace {

Progress progress_of(const coordinator::Coordinator& core, double wall_seconds) {
  return {core.rounds_done(), core.experiment().meta.rounds, core.traffic().device_rounds, wall_seconds,
          core.evaluations().empty() ? nullptr : &core.evaluations().back()};
}

}  // namespace

Result<RunResult> run_protocol(const RunOptions& given) {
  const auto runs = check_runs_in_fleets(given.experiment);
  if (!runs) return runs.error();
  const auto prepared = given.dataset != nullptr ? prepare_tasks(given.experiment, given.dataset)
                                                 : prepare_tasks(given.experiment, given.data_dir);
  if (!prepared) return prepared.error();
  RunOptions options = given;
  options.experiment = prepared->experiment;

  coordinator::CoordinatorConfig config;
  config.experiment = options.experiment;
  config.master_key = simulation_key();
  config.run = options.run;
  config.mode = options.replay != nullptr ? coordinator::RunMode::kReplay : coordinator::RunMode::kLive;
  options.world.threads = options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  World world(config, prepared->tasks, options.world, options.replay);

  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  RunResult result;
  result.rounds = rounds::RoundHistory(options.experiment.meta);
  const auto note = [&](const Result<void>& written) { note_written(options, written, result); };
  WorldObserver observer;
  observer.on_round = [&](const rounds::RoundRecord& record) {
    result.rounds.add(record);
    const std::uint64_t done = std::uint64_t{record.round} + 1;
    if (options.checkpoint_rounds != 0 && done % options.checkpoint_rounds == 0 && !options.out_dir.empty()) {
      note(coordinator::write_model(options.out_dir + "/model-" + std::to_string(done) + ".skm",
                                    world.coordinator().model().file()));
    }
    if (options.on_progress) options.on_progress(progress_of(world.coordinator(), seconds()));
  };
  observer.on_evaluation = [&](const rounds::EvaluationRecord& record) { result.evaluations.push_back(record); };

  observer.on_update = options.on_update;

  observer.give_up = options.give_up;

  result.finished = world.run(observer, options.stop);
  result.summary =
      coordinator::summarize(coordinator::state_of(world.coordinator()), result.rounds, "simulator", seconds());
  result.summary.dataset_sha256 = options.dataset_sha256;
  if (!options.out_dir.empty()) {
    note(coordinator::write_results(options.out_dir, coordinator::state_of(world.coordinator()), result.summary,
                                    result.rounds));
  }
  return result;
}

}  // namespace skink::simulations
