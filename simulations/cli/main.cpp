/// @file
/// skink-sim: simulates a fleet. Here is the command line; what its commands do is in the other files of cli/.

#include <limits>
#include <memory>

#include "mpi/mpi_peers.hpp"
#include "skink/common/limits.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/command_line.hpp"
#include "skink/host/program/float_environment.hpp"
#include "terminal.hpp"

namespace {

using namespace skink;
using namespace skink::simulations;

void add_settings(Command& command, cli::ExperimentArguments& experiment) {
  command.option("--set", experiment.settings, "Replaces one key of the file: --set meta.rounds=100")
      .takes_one();  // what follows may be the experiment file
  command.option("--rounds", experiment.rounds, "As --set meta.rounds=N: a shorter run, or a longer one")
      .range(1U, limits::kMaxRounds);
  command.option("--data", experiment.data, "Folder that holds the data sets (default: SKINK_DATA)");
}

void add_init(Command& command, cli::ExperimentArguments& experiment) {
  command.option("--init", experiment.init, "Begin with this model file; as --set init=<its hash>");
}

void add_experiment(Command& command, cli::ExperimentArguments& experiment) {
  command.option("experiment", experiment.file, "Experiment file (docs/experiment.md)").required();
  add_settings(command, experiment);
}

void add_speed(Command& command, cli::SpeedArguments& speed) {
  command.option("--isa", speed.isa, "Instruction set of the learning engine (default: the widest)");
  command.option("--threads", speed.threads, "Threads that compute devices (default: all cores)").range(1U, 1024U);
}

void add_lanes(Command& command, Lanes& chosen) {
  const std::vector<std::pair<const char*, Lanes>> lanes{
      {"device", Lanes::kDevice}, {"neuron", Lanes::kNeuron}, {"scalar", Lanes::kScalar}};
  command.choice("--lanes", chosen, lanes, "Default: what suits the network and the cohort");
}

void add_updates(Command& command, std::string& updates) {
  command.option("--updates", updates, "Writes a line with the SHA-256 of every update to this file");
}

void add_run(Command& command, cli::RunArguments& run) {
  add_experiment(command, run.experiment);
  add_init(command, run.experiment);
  command.option("--out", run.out, "Folder for summary.json, metrics.csv and model.skm").required();
  command.option("--checkpoint-rounds", run.checkpoint_rounds, "Also writes a model every N rounds");
  const std::vector<std::pair<const char*, Engine>> engines{{"protocol", Engine::kProtocol},
                                                            {"learning", Engine::kLearning}};
  command.choice("--engine", run.engine, engines,
                 "learning (default): fast; protocol: every message, and counts its bytes");
  add_speed(command, run.speed);
  add_lanes(command, run.speed.lanes);
  command.flag("--restart", run.restarts, "Begin from round 0, and replace what --out has, of whatever experiment");
  add_updates(command, run.updates);
  command.flag("--quiet", run.is_quiet, "No progress line");
}

void add_replay(Command& command, cli::ReplayArguments& replay) {
  command.option("store", replay.store, "The coordinator's store").required();
  command.option("--data", replay.data, "Folder that holds the data sets (default: SKINK_DATA)");
  command.option("--out", replay.out, "Folder for summary.json, metrics.csv and model.skm");
  add_updates(command, replay.updates);
  command.flag("--quiet", replay.is_quiet, "No progress line");
}

void add_record(Command& command, cli::RecordArguments& record) {
  add_experiment(command, record.experiment);
  command.option("--device-index", record.device_index, "Place in the sorted list of device ids").required();
  command.option("--out", record.out, "File to write").required();
  command.flag("--personal", record.has_own_samples,
               "Evaluation task 0 too: samples of the device's own, to adapt to without a task (docs/personal.md)");
}

/// What `sweep`, `compare` and `codecs` have in common.
void add_runs(Command& command, cli::SweepArguments& sweep) {
  command.option("--seeds", sweep.seeds, "Seeds of every combination: 7, 0..4 or 1,2,7").shows_default();
  command.option("--out", sweep.out, "Folder for the tables and a folder for each run").required();
  add_speed(command, sweep.speed);
  add_lanes(command, sweep.speed.lanes);
  command.flag("--restart", sweep.restarts, "Compute runs anew that are in --out already");
  command.flag("--quiet", sweep.is_quiet, "No progress line");
}

void add_sweep(Command& command, cli::SweepArguments& sweep) {
  add_experiment(command, sweep.experiment);
  add_init(command, sweep.experiment);
  add_runs(command, sweep);
  command.option("--grid", sweep.grid, "A key and the values that it takes: --grid meta.cohort=1,16").takes_one();
}

void add_compare(Command& command, cli::CompareArguments& compare) {
  command.option("experiments", compare.files, "Experiment files, or one with several [[arm]] tables").required();
  add_settings(command, compare.sweep.experiment);
  add_init(command, compare.sweep.experiment);
  add_runs(command, compare.sweep);
  command.option("--baseline", compare.baseline, "Arm that the others are compared with (default: the first)");
  command.option("--figure", compare.figure,
                 "Column of devices.csv that is compared, without _before (default: what the objective suggests)");
}

void add_codecs(Command& command, cli::CodecsArguments& codecs) {
  add_experiment(command, codecs.sweep.experiment);
  add_init(command, codecs.sweep.experiment);
  codecs.sweep.seeds = "1..3";
  add_runs(command, codecs.sweep);
  command.option("--codecs", codecs.codecs,
                 "UPLINK or UPLINK/DOWNLINK, one after the other; the first is what the others are compared with");
  command.option("--target", codecs.share, "Share of what the first learns: rounds and bytes to there are counted")
      .range(0.01, 1.0)
      .shows_default();
  command.option("--encoding", codecs.encoding,
                 "Instructions on a Cortex-M4: what scripts/cycle-report --encoding has written");
}

void add_bench(Command& command, cli::BenchArguments& bench) {
  command.option("--net", bench.nets, "sine, mlp, conv or an experiment file (default: the three)");
  command.option("--k", bench.support_sizes, "Samples that a device adapts to").range(1U, 10000U);
  command.option("--seconds", bench.seconds, "That each line of the table computes").range(0.001, 1000.0);
  add_speed(command, bench.speed);
  command.option("--json", bench.json, "Also writes the table to this file (docs/experiment-output.md)");
  command.flag("--quiet", bench.is_quiet, "Only the table");
}

void add_intake(Command& command, cli::IntakeArguments& intake) {
  command.option("--net", intake.net, "sine, mlp, conv or an experiment file (default: mlp)");
  command.option("--codec", intake.codecs, "Of the updates; may be repeated (default: one of each kind)").takes_one();
  command.option("--cohort", intake.cohort, "Updates of a round (default: the net's)").range(1U, 100000U);
  command.option("--threads", intake.threads, "The most (default: all cores)").range(1U, 1024U);
  command.option("--seconds", intake.seconds, "That each line of the table takes").range(0.001, 1000.0);
  command.flag("--quiet", intake.is_quiet, "Only the table");
}

void add_profile(Command& command, cli::ProfileArguments& profile) {
  add_experiment(command, profile.experiment);
  command.option("--isa", profile.speed.isa, "Instruction set (default: the widest)");
  add_lanes(command, profile.speed.lanes);
  command.option("--seconds", profile.seconds, "That it takes, about").range(0.01, 1000.0);
  command.option("--json", profile.json, "Also writes the table to this file (docs/experiment-output.md)");
}

void add_plan(Command& command, cli::PlanArguments& plan) {
  add_experiment(command, plan.experiment);
  command.option("--arena-bytes", plan.arena_bytes, "RAM that a device has for it; exit code 3 if that is too small")
      .range(1U, std::numeric_limits<std::uint32_t>::max());
  command.flag("--residual-in-flash", plan.residual_in_flash,
               "The device has room in flash for what error feedback keeps (docs/porting.md)");
  command.option("--json", plan.json, "Also writes the figures to this file (docs/experiment-output.md)");
}

void add_evaluate(Command& command, cli::EvaluateArguments& evaluate) {
  add_experiment(command, evaluate.experiment);
  command.option("--model", evaluate.model, "Model file, for example a run's model.skm").required();
  add_speed(command, evaluate.speed);
  add_lanes(command, evaluate.speed.lanes);
  command.option("--json", evaluate.json, "Also writes the figures to this file (docs/experiment-output.md)");
}

/// Makes the folder now rather than after hours; empty: none.
Result<void> prepare_folder(const std::string& folder) { return folder.empty() ? Result<void>() : make_folder(folder); }

/// The processes that compute with this one, for the run of a command.
class ProcessGroup {
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
    const bool have_all_ended = code == cli::kOk || code == static_cast<int>(ExitCode::kNothingLearned);
    if (!have_all_ended && peers_ != nullptr && peers_->count() > 1) abort_mpi(code);
    return code;
  }

 private:
  std::unique_ptr<Peers> peers_;
};

int run_together(cli::RunArguments& arguments) {
  ProcessGroup group;
  const int code = group.join();
  if (code != cli::kOk) return code;
  arguments.peers = group.peers();
  try {
    return group.leave(cli::run(arguments));
  } catch (const std::exception& error) {
    return group.leave(cli::fail(ExitCode::kInternal, error.what()));
  }
}

/// The commands, each with its arguments.
class SimulatorCommands {
 public:
  explicit SimulatorCommands(Command app)
      : run_(app.command("run", "Runs one experiment")),
        replay_(app.command("replay", "Repeats a coordinator's run from its store, transcript and all")),
        record_(app.command(
            "record", "Writes the samples that one device gets, for firmware without sensors (scripts/qemu-device)")),
        sweep_(app.command("sweep", "Runs an experiment over a grid of settings and several seeds, on all cores")),
        compare_(app.command("compare", "Runs several experiments under several seeds and compares them, paired")),
        codecs_(app.command(
            "codecs",
            "Runs an experiment under several codecs and seeds: bytes on the network beside what is learned")),
        bench_(app.command("bench", "Measures how fast this machine adapts devices")),
        intake_(app.command("intake", "Measures how fast this machine decodes a cohort's updates and adds them up")),
        profile_(app.command("profile", "Shows where the time of an experiment's rounds goes on this machine")),
        plan_(app.command("plan", "Shows the memory that a device needs to learn the network")),
        airtime_(
            app.command("airtime", "Shows how long a radio sends the messages of a round, and in how many frames")),
        evaluate_(app.command("evaluate", "Adapts a model to unseen tasks, as at the end of a run")),
        import_(app.command("import", "Makes a data set of a CSV file of windows or readings")),
        features_(app.command("features", "Makes a data set of features out of one of readings, as a device does")) {
    add_run(run_, run_arguments_);
    add_replay(replay_, replay_arguments_);
    add_record(record_, record_arguments_);
    add_sweep(sweep_, sweep_arguments_);
    add_compare(compare_, compare_arguments_);
    add_codecs(codecs_, codecs_arguments_);
    add_bench(bench_, bench_arguments_);
    add_intake(intake_, intake_arguments_);
    add_profile(profile_, profile_arguments_);
    add_plan(plan_, plan_arguments_);
    cli::add_airtime(airtime_, airtime_arguments_);
    add_evaluate(evaluate_, evaluate_arguments_);
    cli::add_import(import_, import_arguments_);
    cli::add_features(features_, features_arguments_);
  }

  /// The one that was given. @returns an exit code.
  int carry_out() {
    if (record_.parsed()) return cli::record(record_arguments_);
    if (bench_.parsed()) return cli::bench(bench_arguments_);
    if (intake_.parsed()) return cli::intake(intake_arguments_);
    if (profile_.parsed()) return cli::profile(profile_arguments_);
    if (plan_.parsed()) return cli::plan(plan_arguments_);
    if (airtime_.parsed()) return cli::airtime(airtime_arguments_);
    if (evaluate_.parsed()) return cli::evaluate(evaluate_arguments_);
    if (import_.parsed()) return cli::import_file(import_arguments_);
    if (features_.parsed()) return cli::make_features(features_arguments_);
    const auto made = prepare_folder(out_folder());
    if (!made) return cli::fail(ExitCode::kStore, made.error().message);
    if (sweep_.parsed()) return cli::sweep(sweep_arguments_);
    if (compare_.parsed()) return cli::compare(compare_arguments_);
    if (codecs_.parsed()) return cli::codecs(codecs_arguments_);
    return replay_.parsed() ? cli::replay(replay_arguments_) : run_together(run_arguments_);
  }

 private:
  /// Of the commands that take long.
  const std::string& out_folder() const {
    if (run_.parsed()) return run_arguments_.out;
    if (sweep_.parsed()) return sweep_arguments_.out;
    if (compare_.parsed()) return compare_arguments_.sweep.out;
    return codecs_.parsed() ? codecs_arguments_.sweep.out : replay_arguments_.out;
  }

  Command run_, replay_, record_, sweep_, compare_, codecs_, bench_, intake_, profile_, plan_, airtime_, evaluate_,
      import_, features_;
  cli::RunArguments run_arguments_;
  cli::ReplayArguments replay_arguments_;
  cli::RecordArguments record_arguments_;
  cli::SweepArguments sweep_arguments_;
  cli::CompareArguments compare_arguments_;
  cli::CodecsArguments codecs_arguments_;
  cli::BenchArguments bench_arguments_;
  cli::IntakeArguments intake_arguments_;
  cli::ProfileArguments profile_arguments_;
  cli::PlanArguments plan_arguments_;
  cli::AirtimeArguments airtime_arguments_;
  cli::EvaluateArguments evaluate_arguments_;
  cli::ImportArguments import_arguments_;
  cli::FeaturesArguments features_arguments_;
};

int run_program(int argc, char** argv) {
  const arithmetic::Canary canary = prepare_thread_arithmetic();
  if (canary != arithmetic::Canary::kSound) {
    return cli::fail(ExitCode::kUnsoundArithmetic, arithmetic::canary_text(canary));
  }
  CommandLine line("skink-sim",
                   "Simulates a fleet of devices that learn together, with the arithmetic of the real one.");
  Command app = line.root();
  app.requires_command();
  SimulatorCommands commands(app);
  try {
    const std::optional<int> over = line.parse(argc, argv);
    return over ? *over : commands.carry_out();
  } catch (const std::exception& error) {
    return cli::fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skink-sim", run_program(argc, argv)); }
