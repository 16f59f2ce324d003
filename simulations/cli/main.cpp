/// @file
/// skink-sim: simulates a fleet. Here is the command line; what its commands do is in the other files of cli/.

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "mpi/mpi_peers.hpp"
#include "skink/common/host/files.hpp"
#include "skink/common/host/float_environment.hpp"
#include "terminal.hpp"

namespace {

using namespace skink;
using namespace skink::simulations;

void add_experiment(CLI::App& command, cli::ExperimentArguments& experiment) {
  command.add_option("experiment", experiment.file, "Experiment file (docs/experiment.md)")->required();
  command.add_option("--set", experiment.settings, "Replaces one key of the file: --set meta.rounds=100")
      ->allow_extra_args(false);  // what follows may be the experiment file
  command.add_option("--data", experiment.data, "Folder that holds the data sets (default: SKINK_DATA)");
}

void add_speed(CLI::App& command, cli::SpeedArguments& speed) {
  command.add_option("--isa", speed.isa, "Instruction set of the learning engine (default: the widest)");
  command.add_option("--threads", speed.threads, "Threads of the learning engine (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
}

void add_lanes(CLI::App& command, Lanes& chosen) {
  const std::map<std::string, Lanes> lanes{
      {"device", Lanes::kDevice}, {"neuron", Lanes::kNeuron}, {"scalar", Lanes::kScalar}};
  command.add_option("--lanes", chosen, "device, neuron or scalar (default: what suits the network and the cohort)")
      ->transform(CLI::CheckedTransformer(lanes));
}

void add_updates(CLI::App& command, std::string& updates) {
  command.add_option("--updates", updates, "Writes a line with the SHA-256 of every update to this file");
}

void add_run(CLI::App& command, cli::RunArguments& run) {
  add_experiment(command, run.experiment);
  command.add_option("--out", run.out, "Folder for summary.json, metrics.csv and model.skm")->required();
  command.add_option("--checkpoint-rounds", run.checkpoint_rounds, "Also writes a model every N rounds");
  const std::map<std::string, Engine> engines{{"protocol", Engine::kProtocol}, {"learning", Engine::kLearning}};
  command.add_option("--engine", run.engine, "learning (default): fast; protocol: every message, and counts its bytes")
      ->transform(CLI::CheckedTransformer(engines));
  add_speed(command, run.speed);
  add_lanes(command, run.speed.lanes);
  command.add_flag("--restart", run.restarts, "Begin from round 0 even if --out has a checkpoint");
  add_updates(command, run.updates);
  command.add_flag("--quiet", run.is_quiet, "No progress line");
}

void add_replay(CLI::App& command, cli::ReplayArguments& replay) {
  command.add_option("store", replay.store, "The coordinator's store")->required();
  command.add_option("--data", replay.data, "Folder that holds the data sets (default: SKINK_DATA)");
  command.add_option("--out", replay.out, "Folder for summary.json, metrics.csv and model.skm");
  add_updates(command, replay.updates);
  command.add_flag("--quiet", replay.is_quiet, "No progress line");
}

void add_record(CLI::App& command, cli::RecordArguments& record) {
  add_experiment(command, record.experiment);
  command.add_option("--device-index", record.device_index, "Place in the sorted list of device ids")->required();
  command.add_option("--out", record.out, "File to write")->required();
}

/// What `sweep` and `codecs` have in common.
void add_runs(CLI::App& command, cli::SweepArguments& sweep) {
  add_experiment(command, sweep.experiment);
  command.add_option("--seeds", sweep.seeds, "Seeds of every combination: 7, 0..4 or 1,2,7")->capture_default_str();
  command.add_option("--out", sweep.out, "Folder for the tables and a folder for each run")->required();
  add_speed(command, sweep.speed);
  add_lanes(command, sweep.speed.lanes);
  command.add_flag("--restart", sweep.restarts, "Compute runs anew that are in --out already");
  command.add_flag("--quiet", sweep.is_quiet, "No progress line");
}

void add_sweep(CLI::App& command, cli::SweepArguments& sweep) {
  add_runs(command, sweep);
  command.add_option("--grid", sweep.grid, "A key and the values that it takes: --grid meta.cohort=1,16")
      ->allow_extra_args(false);
}

void add_codecs(CLI::App& command, cli::CodecsArguments& codecs) {
  codecs.sweep.seeds = "1..3";
  add_runs(command, codecs.sweep);
  command.add_option("--codecs", codecs.codecs,
                     "UPLINK or UPLINK/DOWNLINK, one after the other; the first is what the others are compared with");
  command.add_option("--target", codecs.share, "Share of what the first learns: rounds and bytes to there are counted")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command.add_option("--encoding", codecs.encoding,
                     "Instructions on a Cortex-M4: what scripts/cycle-report --encoding has written");
}

void add_bench(CLI::App& command, cli::BenchArguments& bench) {
  command.add_option("--net", bench.nets, "sine, mlp, conv or an experiment file (default: the three)");
  command.add_option("--k", bench.support_sizes, "Samples that a device adapts to")->check(CLI::Range(1U, 10000U));
  command.add_option("--seconds", bench.seconds, "That each line of the table computes")
      ->check(CLI::Range(0.001, 1000.0));
  add_speed(command, bench.speed);
  command.add_option("--json", bench.json, "Also writes the table to this file (docs/experiment-output.md)");
  command.add_flag("--quiet", bench.is_quiet, "Only the table");
}

void add_intake(CLI::App& command, cli::IntakeArguments& intake) {
  command.add_option("--net", intake.net, "sine, mlp, conv or an experiment file (default: mlp)");
  command.add_option("--codec", intake.codecs, "Of the updates; may be repeated (default: one of each kind)")
      ->allow_extra_args(false);
  command.add_option("--cohort", intake.cohort, "Updates of a round (default: the net's)")
      ->check(CLI::Range(1U, 100000U));
  command.add_option("--threads", intake.threads, "The most (default: all cores)")->check(CLI::Range(1U, 1024U));
  command.add_option("--seconds", intake.seconds, "That each line of the table takes")
      ->check(CLI::Range(0.001, 1000.0));
  command.add_flag("--quiet", intake.is_quiet, "Only the table");
}

void add_profile(CLI::App& command, cli::ProfileArguments& profile) {
  add_experiment(command, profile.experiment);
  command.add_option("--isa", profile.speed.isa, "Instruction set (default: the widest)");
  add_lanes(command, profile.speed.lanes);
  command.add_option("--seconds", profile.seconds, "That it takes, about")->check(CLI::Range(0.01, 1000.0));
  command.add_option("--json", profile.json, "Also writes the table to this file (docs/experiment-output.md)");
}

void add_plan(CLI::App& command, cli::PlanArguments& plan) {
  add_experiment(command, plan.experiment);
  command.add_option("--arena-bytes", plan.arena_bytes,
                     "RAM that a device has for it; exit code 3 if that is too small");
  command.add_flag("--residual-in-flash", plan.residual_in_flash,
                   "The device has room in flash for what error feedback keeps (docs/porting.md)");
  command.add_option("--json", plan.json, "Also writes the figures to this file (docs/experiment-output.md)");
}

void add_evaluate(CLI::App& command, cli::EvaluateArguments& evaluate) {
  add_experiment(command, evaluate.experiment);
  command.add_option("--model", evaluate.model, "Model file, for example a run's model.skm")->required();
  add_speed(command, evaluate.speed);
  add_lanes(command, evaluate.speed.lanes);
  command.add_option("--json", evaluate.json, "Also writes the figures to this file (docs/experiment-output.md)");
}

void add_import(CLI::App& command, cli::ImportArguments& arguments) {
  ImportOptions& options = arguments.options;
  command.add_option("file", options.csv_file, "CSV file with a window in each row (docs/data.md)")->required();
  command.add_option("--out", options.out_dir, "Folder of the data set; absent or empty")->required();
  command.add_option("--label", options.label_column, "Column of the class names")->required();
  command.add_option("--device", options.device_column, "Column that says whose window it is")->required();
  CLI::Option* split = command.add_option("--split", options.split_column, "Column with train, validation or test");
  const std::map<std::string, SplitBy> ways{{"device", SplitBy::kDevice}, {"label", SplitBy::kLabel}};
  command.add_option("--split-by", options.split_by, "device (default) or label: what is kept apart")
      ->transform(CLI::CheckedTransformer(ways))
      ->excludes(split);
  command.add_option("--validation", options.validation, "Fraction for validation (default 0.1)")->excludes(split);
  command.add_option("--test", options.test, "Fraction for testing (default 0.2)")->excludes(split);
  command.add_option("--seed", options.seed, "Of the split (default 1)")->excludes(split);
  command.add_option("--columns", arguments.columns, "The sample's columns: a,b,x0..x63 (default: all others)");
  command.add_option("--shape", arguments.shape,
                     "Shape of a sample: 64, 32x6 or 8x8x1 (default: the number of columns)");
  const std::map<std::string, ImportStorage> storages{{"i16", ImportStorage::kI16},
                                                      {"float32", ImportStorage::kFloat32}};
  command.add_option("--storage", options.storage, "i16 or float32 (default: u8 or i16)")
      ->transform(CLI::CheckedTransformer(storages));
  command.add_option("--name", options.name, "Name in dataset.json (default: the folder's)");
  command.add_flag("--quiet", arguments.is_quiet, "No progress line");
}

/// Makes the folder now rather than after hours; empty: none.
Result<void> prepare_folder(const std::string& folder) { return folder.empty() ? Result<void>() : make_folder(folder); }

/// The processes that compute with this one, for the run of a command.
class Company {
 public:
  /// @returns kOk, or prints why it cannot be.
  int join() {
    if (!is_under_mpi()) return cli::kOk;
    peers_ = join_mpi();
    if (peers_ != nullptr) return cli::kOk;
    return cli::fail(ExitCode::kUsage,
                     "this program was built without MPI (libopenmpi-dev) and cannot be one of several");
  }
  Peers* peers() const { return peers_.get(); }
  /// When this process cannot go on, the others wait for it in vain.
  int leave(int code) const {
    if (code != cli::kOk && peers_ != nullptr && peers_->count() > 1) abort_mpi(code);
    return code;
  }

 private:
  std::unique_ptr<Peers> peers_;
};

int run_together(cli::RunArguments& arguments) {
  Company company;
  const int code = company.join();
  if (code != cli::kOk) return code;
  arguments.peers = company.peers();
  try {
    return company.leave(cli::run(arguments));
  } catch (const std::exception& error) {
    return company.leave(cli::fail(ExitCode::kInternal, error.what()));
  }
}

int run_command(int argc, char** argv) {
  const arithmetic::Canary canary = prepare_thread_arithmetic();
  if (canary != arithmetic::Canary::kSound) {
    return cli::fail(ExitCode::kUnsoundArithmetic, arithmetic::canary_text(canary));
  }
  CLI::App app{"Simulates a fleet of devices that learn together, with the arithmetic of the real one."};
  app.require_subcommand(1);
  cli::RunArguments run;
  CLI::App* run_command = app.add_subcommand("run", "Runs one experiment");
  add_run(*run_command, run);
  cli::ReplayArguments replay;
  CLI::App* replay_command =
      app.add_subcommand("replay", "Repeats a coordinator's run from its store, transcript and all");
  add_replay(*replay_command, replay);
  cli::RecordArguments record;
  CLI::App* record_command = app.add_subcommand(
      "record", "Writes the samples that one device gets, for firmware without sensors (scripts/qemu-device)");
  add_record(*record_command, record);
  cli::SweepArguments sweep;
  CLI::App* sweep_command =
      app.add_subcommand("sweep", "Runs an experiment over a grid of settings and several seeds, on all cores");
  add_sweep(*sweep_command, sweep);
  cli::CodecsArguments comparing;
  CLI::App* codecs_command = app.add_subcommand(
      "codecs", "Runs an experiment under several codecs and seeds: bytes on the network beside what is learned");
  add_codecs(*codecs_command, comparing);
  cli::BenchArguments bench;
  CLI::App* bench_command = app.add_subcommand("bench", "Measures how fast this machine adapts devices");
  add_bench(*bench_command, bench);
  cli::IntakeArguments intake;
  CLI::App* intake_command =
      app.add_subcommand("intake", "Measures how fast this machine decodes a cohort's updates and adds them up");
  add_intake(*intake_command, intake);
  cli::ProfileArguments profile;
  CLI::App* profile_command =
      app.add_subcommand("profile", "Shows where the time of an experiment's rounds goes on this machine");
  add_profile(*profile_command, profile);
  cli::PlanArguments planning;
  CLI::App* plan_command = app.add_subcommand("plan", "Shows the memory that a device needs to learn the network");
  add_plan(*plan_command, planning);
  cli::EvaluateArguments evaluating;
  CLI::App* evaluate_command = app.add_subcommand("evaluate", "Adapts a model to unseen tasks, as at the end of a run");
  add_evaluate(*evaluate_command, evaluating);
  cli::ImportArguments importing;
  CLI::App* import_command = app.add_subcommand("import", "Makes a data set of a CSV file of windows");
  add_import(*import_command, importing);
  try {
    app.parse(argc, argv);
    if (record_command->parsed()) return cli::record(record);
    if (bench_command->parsed()) return cli::bench(bench);
    if (intake_command->parsed()) return cli::intake(intake);
    if (profile_command->parsed()) return cli::profile(profile);
    if (plan_command->parsed()) return cli::plan(planning);
    if (evaluate_command->parsed()) return cli::evaluate(evaluating);
    if (import_command->parsed()) return cli::import_file(importing);
    const auto made = prepare_folder(run_command->parsed()      ? run.out
                                     : sweep_command->parsed()  ? sweep.out
                                     : codecs_command->parsed() ? comparing.sweep.out
                                                                : replay.out);
    if (!made) return cli::fail(ExitCode::kStore, made.error().message);
    cli::catch_interruptions();
    if (sweep_command->parsed()) return cli::sweep(sweep);
    if (codecs_command->parsed()) return cli::codecs(comparing);
    return replay_command->parsed() ? cli::replay(replay) : run_together(run);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kOk : static_cast<int>(ExitCode::kUsage);
  } catch (const std::exception& error) {
    return cli::fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skink-sim", run_command(argc, argv)); }
