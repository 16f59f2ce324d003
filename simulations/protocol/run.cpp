#include "skink/simulations/protocol/run.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

namespace skink::simulations {
namespace {

namespace fs = std::filesystem;

Error io_error(const std::string& path, const std::string& what) {
  return make_error(Status::kUnavailable, path + ": " + what);
}

Result<void> write_file(const fs::path& path, const void* data, std::size_t size) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  out.close();
  if (!out) return io_error(path.string(), "cannot be written: is the disk full or the folder read-only?");
  return {};
}

Result<void> write_results(const std::string& folder, const RunResult& result, const coordinator::Coordinator& core) {
  const std::string json = to_json(result.summary);
  const std::string csv = metrics_csv(result.rounds, result.evaluations);
  Result<void> written = write_file(fs::path(folder) / "summary.json", json.data(), json.size());
  if (written) written = write_file(fs::path(folder) / "metrics.csv", csv.data(), csv.size());
  if (written) {
    written = write_file(fs::path(folder) / "model.skm", core.model_file().data(), core.model_file().size());
  }
  return written;
}

}  // namespace

wire::Key simulation_key() {
  wire::Key key;
  for (std::size_t i = 0; i < wire::kKeyBytes; ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  return key;
}

Result<RunResult> run_experiment(const RunOptions& options) {
  if (!options.out_dir.empty()) {
    std::error_code code;
    fs::create_directories(options.out_dir, code);
    if (code) return io_error(options.out_dir, "cannot be created: " + code.message());
  }
  auto dataset = load_dataset(options.experiment.task, options.data_dir);
  if (!dataset) return dataset.error();
  const auto tasks = TaskGenerator::create(options.experiment, *dataset);
  if (!tasks) return tasks.error();

  coordinator::CoordinatorConfig config;
  config.experiment = options.experiment;
  config.master_key = simulation_key();
  config.run = options.run;
  config.replay = options.replay != nullptr;
  World world(config, *tasks, options.world, options.replay);

  RunResult result;
  Result<void> checkpoint;
  WorldObserver observer;
  observer.on_round = [&](const coordinator::RoundRecord& record) {
    result.rounds.push_back(record);
    const std::uint64_t done = std::uint64_t{record.round} + 1;
    if (options.checkpoint_rounds != 0 && done % options.checkpoint_rounds == 0 && !options.out_dir.empty()) {
      const auto& file = world.coordinator().model_file();
      const fs::path path = fs::path(options.out_dir) / ("model-" + std::to_string(done) + ".skm");
      const auto written = write_file(path, file.data(), file.size());
      if (!written && checkpoint) checkpoint = written.error();
    }
    if (options.on_progress) options.on_progress(world.coordinator());
  };
  observer.on_evaluation = [&](const coordinator::EvaluationRecord& record) { result.evaluations.push_back(record); };
  observer.on_event = [&](const coordinator::TranscriptEvent& event) { result.events.push_back(event); };

  const auto start = std::chrono::steady_clock::now();
  result.finished = world.run(observer, options.stop);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.summary = coordinator::summarize(world.coordinator(), "simulator", seconds);
  if (!checkpoint) return checkpoint.error();
  if (!options.out_dir.empty()) {
    const auto written = write_results(options.out_dir, result, world.coordinator());
    if (!written) return written.error();
  }
  return result;
}

}  // namespace skink::simulations
