#include "skink/simulations/run.hpp"

#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/model_match.hpp"

namespace skink::simulations {

namespace {

/// Why little was learned is often seen from the data.
coordinator::Verdict verdict_on(const RunOptions& options, const coordinator::Summary& summary) {
  std::shared_ptr<const Dataset> dataset = options.dataset;
  if (dataset == nullptr) {
    const auto loaded = load_dataset(options.experiment.task, options.data_dir);
    if (!loaded) return coordinator::verdict_of(summary, options.experiment, {});
    dataset = *loaded;
  }
  return coordinator::verdict_of(summary, options.experiment, data_ranges(options.experiment, dataset.get()));
}

}  // namespace

void note_written(const RunOptions& options, const Result<void>& written, RunResult& result) {
  if (written || !result.written) return;
  result.written = written;
  if (options.on_trouble && !result.finished) options.on_trouble(written.error().message);
}

Result<RunResult> run_experiment(const RunOptions& given) {
  RunOptions options = given;
  const auto found = find_initial_model(options.experiment, options.init_file);
  if (!found) return found.error();
  auto result = options.engine == Engine::kLearning ? run_learning(options) : run_protocol(options);
  if (result && result->finished) result->verdict = verdict_on(options, result->summary);
  return result;
}

}  // namespace skink::simulations
