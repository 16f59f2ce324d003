/// @file
/// skink-sim: simulates a fleet. The work is in skink::simulation; here are the command line, the progress line and the
/// exit code.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include "skink/common/host/exit_codes.hpp"
#include "skink/common/host/files.hpp"
#include "skink/common/host/float_environment.hpp"
#include "skink/common/host/line_file.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/edge/host/recorder.hpp"
#include "skink/simulations/record.hpp"
#include "skink/simulations/run.hpp"

namespace {

using namespace skink;

constexpr int kOk = static_cast<int>(ExitCode::kOk);

std::atomic<bool> stopped{false};

void stop(int /*signal*/) { stopped = true; }

/// "round 120/500  24.0 %  640 device-rounds/s  loss 4.31 -> 0.52", at most twice a second.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : quiet_(quiet), on_terminal_(isatty(STDERR_FILENO) != 0) {}

  void show(const simulations::Progress& run) {
    const auto now = std::chrono::steady_clock::now();
    const std::uint32_t total = run.rounds;
    const auto pause = on_terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10000);
    if (quiet_ || (now - shown_ < pause && run.rounds_done != total)) return;
    shown_ = now;
    const double seconds = run.wall_seconds;
    const double rate = seconds > 0 ? static_cast<double>(run.device_rounds) / seconds : 0;
    const double left = run.rounds_done > 0 ? seconds * (total - run.rounds_done) / run.rounds_done : 0;
    std::fprintf(stderr, "%sround %u/%u  %.0f device-rounds/s  %.0f s left", on_terminal_ ? "\r\033[K" : "",
                 run.rounds_done, total, rate, left);
    if (run.last_evaluation != nullptr) {
      const coordinator::EvaluationRecord& last = *run.last_evaluation;
      std::fprintf(stderr, "  loss on unseen tasks %.4f -> %.4f (after %u rounds)", last.loss_before(),
                   last.loss_after(), last.rounds);
    }
    if (!on_terminal_ || run.rounds_done == total) std::fputc('\n', stderr);
    std::fflush(stderr);
  }

 private:
  bool quiet_;
  bool on_terminal_;
  std::chrono::steady_clock::time_point shown_;
};

int fail(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "skink-sim: %s\n", message.c_str());
  return static_cast<int>(code);
}

struct Arguments {
  std::string experiment;
  std::string store;
  std::vector<std::string> settings;
  std::string data;
  std::string out;
  std::string updates;
  std::uint64_t checkpoint_rounds = 0;
  simulations::Engine engine = simulations::Engine::kProtocol;
  std::string isa;
  std::uint32_t threads = 0;
  bool restarts = false;
  std::uint32_t device_index = 0;
  bool quiet = false;
};

/// The file that --updates names, if it does.
Result<std::optional<LineFile>> open_updates(const Arguments& arguments) {
  if (arguments.updates.empty()) return std::optional<LineFile>();
  auto opened = LineFile::open(arguments.updates, coordinator::kUpdatesHeading, LineFile::Existing::kReplace);
  if (!opened) return opened.error();
  return std::optional<LineFile>(std::move(*opened));
}

std::function<void(const coordinator::TakenUpdate&)> observer_of(LineFile& updates) {
  return [&updates](const coordinator::TakenUpdate& update) { updates.add(coordinator::updates_line(update)); };
}

std::string unknown_isa(const std::string& name) {
  std::string known;
  for (const simulations::LaneFunctions* lanes : simulations::available_lanes()) {
    known += (known.empty() ? "" : ", ") + std::string(lanes->name);
  }
  return "--isa: this machine has no '" + name + "', use one of " + known;
}

/// What was asked for: the file as it is now, and what the command line replaces in it.
std::string id_of(const Arguments& arguments) {
  const auto text = read_file(arguments.experiment);
  std::string all = text ? *text : "";
  for (const std::string& setting : arguments.settings) all += "\n--set " + setting;
  char hex[2 * wire::kDigestBytes + 1];
  wire::to_hex(wire::sha256(bytes_of(all)), hex);
  return hex;
}

int run(const Arguments& arguments) {
  if (arguments.engine == simulations::Engine::kLearning && !arguments.updates.empty()) {
    return fail(ExitCode::kUsage, "--updates: the learning engine sends none, use --engine protocol");
  }
  const auto overrides = parse_overrides(arguments.settings);
  if (!overrides) return fail(ExitCode::kUsage, overrides.error().message);
  const auto experiment = read_experiment(arguments.experiment, *overrides);
  if (!experiment) return fail(ExitCode::kConfiguration, experiment.error().message);
  auto updates = open_updates(arguments);
  if (!updates) return fail(ExitCode::kStore, updates.error().message);
  ProgressLine progress(arguments.quiet);
  simulations::RunOptions options;
  if (*updates) options.on_update = observer_of(**updates);
  options.engine = arguments.engine;
  options.threads = arguments.threads;
  options.experiment_id = id_of(arguments);
  options.restarts = arguments.restarts;
  if (!arguments.isa.empty()) {
    options.lanes = simulations::find_lanes(arguments.isa);
    if (options.lanes == nullptr) return fail(ExitCode::kUsage, unknown_isa(arguments.isa));
  }
  options.experiment = *experiment;
  options.data_dir = arguments.data;
  options.out_dir = arguments.out;
  options.checkpoint_rounds = arguments.checkpoint_rounds;
  options.on_progress = [&progress](const simulations::Progress& run) { progress.show(run); };
  options.stop = [] { return stopped.load(); };
  const auto result = simulations::run_experiment(options);
  if (!result) return fail(ExitCode::kData, result.error().message);
  if (result->continued_after > 0) std::printf("continued after round %u\n", result->continued_after);
  std::printf("%s", coordinator::to_table(result->summary).c_str());
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  if (*updates && !(*updates)->written()) return fail(ExitCode::kStore, (*updates)->written().error().message);
  if (!result->finished) {
    std::printf("  stopped after %u rounds; the files hold what there is\n", result->summary.rounds);
    return stopped ? kOk : static_cast<int>(ExitCode::kInternal);
  }
  return kOk;
}

/// Repeats a stored run, with its transcript, up to the last stored round, and compares each round's model.
int replay(const Arguments& arguments) {
  const auto store = coordinator::Store::open_to_read(arguments.store);
  if (!store) return fail(ExitCode::kStore, store.error().message);
  const auto snapshot = store->load();
  const auto stored = store->rounds();
  if (!snapshot || !stored) return fail(ExitCode::kStore, (snapshot ? stored.error() : snapshot.error()).message);
  if (stored->empty()) return fail(ExitCode::kStore, arguments.store + ": no round is finished yet");
  const auto experiment =
      parse_experiment(snapshot->experiment_text, arguments.store + " (experiment)", snapshot->overrides);
  if (!experiment) return fail(ExitCode::kConfiguration, experiment.error().message);

  auto updates = open_updates(arguments);
  if (!updates) return fail(ExitCode::kStore, updates.error().message);
  ProgressLine progress(arguments.quiet);
  simulations::RunOptions options;
  if (*updates) options.on_update = observer_of(**updates);
  options.experiment = *experiment;
  options.experiment.evaluation.tasks = 0;  // the model does not depend on evaluations
  options.experiment.evaluation.final_tasks = 0;
  options.data_dir = arguments.data;
  options.out_dir = arguments.out;
  options.run = snapshot->run;
  options.replay = &*snapshot;
  std::uint32_t done = 0;
  options.on_progress = [&](const simulations::Progress& run) {
    done = run.rounds_done;
    progress.show(run);
  };
  options.stop = [&] { return stopped.load() || done >= stored->size(); };
  const auto result = simulations::run_experiment(options);
  if (!result) return fail(ExitCode::kData, result.error().message);
  if (!result->written) return fail(ExitCode::kStore, result->written.error().message);
  if (*updates && !(*updates)->written()) return fail(ExitCode::kStore, (*updates)->written().error().message);
  if (stopped) return fail(ExitCode::kInternal, "stopped after " + std::to_string(done) + " rounds");
  for (std::size_t round = 0; round < stored->size(); ++round) {
    const std::string& then = (*stored)[round].model_sha256;
    const std::string now = round < result->rounds.size() ? result->rounds[round].model_sha256 : "(not reached)";
    if (then != now) {
      std::printf("skink replay: round %zu stored %s replayed %s DIFFERENT\n", round, then.c_str(), now.c_str());
      return static_cast<int>(ExitCode::kDifferent);
    }
  }
  std::printf("skink replay: %zu rounds, %zu transcript events, stored %s replayed %s equal\n", stored->size(),
              snapshot->transcript.size(), stored->back().model_sha256.c_str(),
              result->rounds.back().model_sha256.c_str());
  return kOk;
}

/// Writes the samples that one device of the experiment will get.
int record(const Arguments& arguments) {
  const auto overrides = parse_overrides(arguments.settings);
  if (!overrides) return fail(ExitCode::kUsage, overrides.error().message);
  const auto experiment = read_experiment(arguments.experiment, *overrides);
  if (!experiment) return fail(ExitCode::kConfiguration, experiment.error().message);
  if (arguments.device_index >= experiment->fleet.devices) {
    return fail(ExitCode::kUsage,
                "--device-index: the experiment has devices 0.." + std::to_string(experiment->fleet.devices - 1));
  }
  const auto dataset = load_dataset(experiment->task, arguments.data);
  if (!dataset) return fail(ExitCode::kData, dataset.error().message);
  const auto generator = TaskGenerator::create(*experiment, *dataset);
  if (!generator) return fail(ExitCode::kData, generator.error().message);
  const auto keys = simulations::tasks_of_device(*experiment, arguments.device_index);
  const auto bytes = edge::record_tasks(*generator, keys);
  const auto written = write_file(arguments.out, text_of({bytes.data(), bytes.size()}));
  if (!written) return fail(ExitCode::kStore, written.error().message);
  const bool is_held_out = !keys.empty() && keys.front().use == TaskUse::kEvaluate;
  std::printf("%s: %zu tasks of device %u (%s), %zu bytes\n", arguments.out.c_str(), keys.size(),
              arguments.device_index, is_held_out ? "held out" : "training", bytes.size());
  return kOk;
}

}  // namespace

int main(int argc, char** argv) {
  const arithmetic::Canary canary = prepare_thread_arithmetic();
  if (canary != arithmetic::Canary::kSound) return fail(ExitCode::kUnsoundArithmetic, arithmetic::canary_text(canary));
  CLI::App app{"Simulates a fleet of devices that learn together, with the arithmetic of the real one."};
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run_command = app.add_subcommand("run", "Runs one experiment");
  run_command->add_option("experiment", arguments.experiment, "Experiment file (docs/experiment.md)")->required();
  run_command->add_option("--set", arguments.settings, "Replaces one key of the file: --set meta.rounds=100");
  run_command->add_option("--data", arguments.data, "Folder that holds the data sets (default: SKINK_DATA)");
  run_command->add_option("--out", arguments.out, "Folder for summary.json, metrics.csv and model.skm")->required();
  run_command->add_option("--checkpoint-rounds", arguments.checkpoint_rounds, "Also writes a model every N rounds");
  const std::map<std::string, simulations::Engine> engines{{"protocol", simulations::Engine::kProtocol},
                                                           {"learning", simulations::Engine::kLearning}};
  run_command->add_option("--engine", arguments.engine, "protocol (default): every message; learning: fast, without")
      ->transform(CLI::CheckedTransformer(engines));
  run_command->add_option("--isa", arguments.isa, "Instruction set of the learning engine (default: the widest)");
  run_command->add_option("--threads", arguments.threads, "Threads of the learning engine (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
  run_command->add_flag("--restart", arguments.restarts, "Begin from round 0 even if --out has a checkpoint");
  run_command->add_option("--updates", arguments.updates,
                          "Writes a line with the SHA-256 of every update to this file");
  run_command->add_flag("--quiet", arguments.quiet, "No progress line");
  CLI::App* replay_command =
      app.add_subcommand("replay", "Repeats a coordinator's run from its store, transcript and all");
  replay_command->add_option("store", arguments.store, "The coordinator's store")->required();
  replay_command->add_option("--data", arguments.data, "Folder that holds the data sets (default: SKINK_DATA)");
  replay_command->add_option("--out", arguments.out, "Folder for summary.json, metrics.csv and model.skm");
  replay_command->add_option("--updates", arguments.updates,
                             "Writes a line with the SHA-256 of every update to this file");
  replay_command->add_flag("--quiet", arguments.quiet, "No progress line");
  CLI::App* record_command = app.add_subcommand(
      "record", "Writes the samples that one device gets, for firmware without sensors (scripts/qemu-device)");
  record_command->add_option("experiment", arguments.experiment, "Experiment file")->required();
  record_command->add_option("--device-index", arguments.device_index, "Place in the sorted list of device ids")
      ->required();
  record_command->add_option("--set", arguments.settings, "Replaces one key of the file: --set meta.rounds=100");
  record_command->add_option("--data", arguments.data, "Folder that holds the data sets (default: SKINK_DATA)");
  record_command->add_option("--out", arguments.out, "File to write")->required();
  try {
    app.parse(argc, argv);
    if (record_command->parsed()) return record(arguments);
    if (!arguments.out.empty()) {  // now rather than after hours
      const auto made = make_folder(arguments.out);
      if (!made) return fail(ExitCode::kStore, made.error().message);
    }
    std::signal(SIGINT, stop);
    std::signal(SIGTERM, stop);
    return replay_command->parsed() ? replay(arguments) : run(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : static_cast<int>(ExitCode::kUsage);
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}
