#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "learning/checkpoint.hpp"
#include "run_summary.hpp"
#include "skink/coordinator/results/claim.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/workers.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations {
namespace {

using State = SweepRun::State;
using Clock = std::chrono::steady_clock;

/// A name that every file system takes; what had to be replaced is told apart by a hash.
std::string folder_name(const std::vector<Override>& point) {
  std::string name;
  for (const Override& setting : point) name += (name.empty() ? "" : ",") + setting.key + "=" + setting.value;
  std::string safe;
  for (const char c : name) {
    const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         std::string("._-+=,").find(c) != std::string::npos;
    safe += is_safe ? c : '_';
  }
  if (safe == name && name.size() <= 120) return name;
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(bytes_of(name)), hex);
  return safe.substr(0, 100) + "-" + std::string(hex, 8);
}

/// A run and what it needs.
struct Job {
  SweepRun run;
  std::string folder;
  Experiment experiment;
  std::string id;
  std::string dataset_sha256;
  // of this process, not yet told to on_progress
  std::uint64_t new_rounds = 0;
  std::uint64_t new_device_rounds = 0;
  // of all processes
  std::uint64_t rounds_done = 0;
  std::uint64_t device_rounds = 0;
  Clock::time_point told;
};

/// Those of a sweep, a comparison or a comparison of codecs: what is left is never taken for this one's.
Result<void> remove_tables(const std::string& folder) {
  for (const char* name : {"runs", "sweep", "compare", "units", "codecs"}) {
    for (const char* kind : {".csv", ".md", ".svg"}) {
      const std::string path = folder + "/" + name + kind;
      Result<void> removed = std::filesystem::exists(path) ? remove_file(path) : Result<void>();
      if (!removed) return removed;
    }
  }
  return {};
}

class Sweep {
 public:
  explicit Sweep(const SweepOptions& options) : options_(options) {}

  /// Reads every experiment, so that what is wrong with one is said before anything runs.
  Result<void> prepare() {
    if (!options_.arms.empty()) {
      add_arms();
      return {};
    }
    const auto text = read_file(options_.experiment_file);
    if (!text) return text.error();
    points_ = options_.points.empty() ? grid_points(options_.axes) : options_.points;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      for (const std::uint64_t seed : options_.seeds) {
        std::vector<Override> overrides = options_.overrides;
        overrides.insert(overrides.end(), points_[p].begin(), points_[p].end());
        overrides.push_back({"seed", std::to_string(seed)});
        auto experiment = parse_experiment(*text, options_.experiment_file, overrides);
        if (!experiment) return experiment.error();
        add_job(p, seed, std::move(*experiment));
      }
    }
    return {};
  }

  /// Tables of a sweep over other keys would be lost.
  Result<void> check_tables() const {
    if (options_.restarts) return remove_tables(options_.out_dir);
    const std::string path = options_.out_dir + "/runs.csv";
    if (!std::filesystem::exists(path)) return {};
    const auto there = read_file(path);
    if (!there) return there.error();
    SweepResult empty;
    empty.points = points_;
    const auto grid = [](const std::string& table) { return table.substr(0, table.find("seed,state,")); };
    if (grid(*there) == grid(runs_csv(empty))) return {};
    return make_error(Status::kInvalidArgument,
                      path + ": is of a sweep over other keys; name another --out, or give --restart to replace it");
  }

  Result<SweepResult> run() {
    const auto free = check_tables();
    if (!free) return free.error();
    for (std::size_t j = 0; j < jobs_.size(); ++j) {
      resolve_job(jobs_[j]);
      const auto looked = look_at(jobs_[j]);
      if (!looked) return looked.error();
      if (jobs_[j].run.state == State::kFinished) continue;
      open_.push_back(j);
      rounds_ += jobs_[j].experiment.meta.rounds;
    }
    found_ = jobs_.size() - open_.size();
    const auto loaded = load_datasets();
    if (!loaded) return loaded.error();
    if (options_.on_begin) options_.on_begin();
    start_ = Clock::now();
    const std::uint32_t cores =
        options_.threads != 0 ? options_.threads : std::max(1U, std::thread::hardware_concurrency());
    const auto count = static_cast<std::uint32_t>(open_.size());
    Workers workers(std::max(1U, std::min(cores, count)));
    workers.run(count, [this](std::uint32_t /*worker*/, std::uint32_t part) { compute(jobs_[open_[part]]); });
    return finish();
  }

 private:
  void add_arms() {
    for (std::size_t a = 0; a < options_.arms.size(); ++a) {
      points_.push_back({{"arm", options_.arms[a].name}});
      for (const std::uint64_t seed : options_.seeds) add_job(a, seed, options_.arms[a].experiment);
    }
  }

  void add_job(std::size_t point, std::uint64_t seed, Experiment experiment) {
    experiment.seed = seed;
    Job job;
    job.run.point = point;
    job.run.seed = seed;
    const std::string name = folder_name(points_[point]);
    job.run.folder = (name.empty() ? "" : name + "/") + "seed-" + std::to_string(seed);
    job.folder = options_.out_dir + "/" + job.run.folder;
    job.experiment = std::move(experiment);
    jobs_.push_back(std::move(job));
  }

  /// What the data set says of a run: its hash, and devices that are clients. What it refuses, computing it will say.
  void resolve_job(Job& job) {
    job.dataset_sha256 = dataset_hash(job.experiment.task);
    const auto dataset = datasets_.find(job.experiment.task.dataset);
    if (job.experiment.task.source == TaskSource::kSine || dataset != datasets_.end()) {
      auto resolved = resolve(job.experiment, dataset == datasets_.end() ? nullptr : dataset->second.get());
      if (resolved) job.experiment = std::move(*resolved);
    }
    job.id = experiment_sha256(job.experiment);
  }

  /// Each once, and none for runs that are finished.
  Result<void> load_datasets() {
    for (const std::size_t j : open_) {
      const TaskConfig& task = jobs_[j].experiment.task;
      if (task.source != TaskSource::kDataset || datasets_.count(task.dataset) != 0) continue;
      const auto dataset = load_dataset(task, options_.data_dir);
      if (!dataset) return dataset.error();
      datasets_[task.dataset] = *dataset;
    }
    return {};
  }

  // ---- what is there

  coordinator::Claim claim_of(const Job& job) const {
    return {job.experiment, job.dataset_sha256,
            options_.restarts ? coordinator::Found::kReplace : coordinator::Found::kKeep,
            "name another --out, or give --restart to compute everything anew"};
  }

  /// Empty where it cannot be known: whoever computes a run will say why.
  std::string dataset_hash(const TaskConfig& task) {
    if (task.source != TaskSource::kDataset) return "";
    if (datasets_.count(task.dataset) == 0) {
      const auto dataset = load_dataset(task, options_.data_dir);
      if (!dataset) return "";
      datasets_[task.dataset] = *dataset;
    }
    return datasets_[task.dataset]->fingerprint();
  }

  /// Finds out whether a run is finished. Errors: its folder belongs to another experiment.
  Result<void> look_at(Job& job) {
    if (options_.restarts) return {};
    auto free = coordinator::check_folder(job.folder, claim_of(job));
    if (!free) return free;
    if (!std::filesystem::exists(checkpoint_path(job.folder))) read_summary(job);
    return {};
  }

  /// The run is finished if its summary can be read and has all rounds.
  void read_summary(Job& job) const {
    if (options_.counts_wire && !std::filesystem::exists(wire_path(job.folder))) return;
    const auto text = read_file(job.folder + "/summary.json");
    if (!text) return;
    try {
      SweepRun run = job.run;
      take_summary(*text, run);
      run.classifies = nn::has_labels(job.experiment.model.loss);
      if (run.rounds != job.experiment.meta.rounds) return;
      run.state = State::kFinished;
      job.run = run;
    } catch (const std::exception&) {
      // It is computed again.
    }
  }

  // ---- computing

  bool is_stopped() const { return (options_.stop && options_.stop()) || (options_.give_up && options_.give_up()); }

  void compute(Job& job) {
    if (is_stopped()) return;
    try {
      const auto computed = compute_run(job);
      if (!computed) fail(job, because(computed.error(), Cause::kData));
    } catch (const std::exception& error) {
      job.run.is_bug = true;
      fail(job, make_error(Status::kInvalidArgument, error.what()));
    }
    tell(job, job.run.state == State::kAbsent ? 0 : 1);
  }

  static void fail(Job& job, const Error& why) {
    job.run.state = State::kFailed;
    job.run.problem = why.message;
    job.run.cause = why.cause;
  }

  Result<void> compute_run(Job& job) {
    Result<void> taken = make_folder(job.folder);
    if (taken) taken = coordinator::claim_folder(job.folder, claim_of(job));
    if (!taken) return taken;
    RunOptions options;
    options.experiment = job.experiment;
    options.out_dir = job.folder;
    options.experiment_id = job.id;
    options.isa = options_.isa;
    options.lanes = options_.lanes;
    options.threads = 1;
    options.counts_wire = options_.counts_wire;
    options.restarts = options_.restarts;
    const auto dataset = datasets_.find(job.experiment.task.dataset);
    if (dataset != datasets_.end()) options.dataset = dataset->second;
    options.dataset_sha256 = job.dataset_sha256;
    options.stop = [this] { return is_stopped(); };
    options.give_up = options_.give_up;
    options.on_progress = [this, &job](const Progress& progress) { note(job, progress); };
    options.init_file = options_.init_file;
    const auto result = run_experiment(options);
    if (!result) return result.error();
    if (!result->written) return result->written;
    if (!result->finished) return {};
    read_summary(job);
    if (job.run.state == State::kFinished) return {};
    return make_error(Status::kDamaged, job.folder + "/summary.json: cannot be read back");
  }

  // ---- progress

  void note(Job& job, const Progress& progress) {
    if (job.rounds_done == 0) begin(job, progress);
    job.new_rounds += progress.rounds_done - job.rounds_done;
    job.new_device_rounds += progress.device_rounds - job.device_rounds;
    job.rounds_done = progress.rounds_done;
    job.device_rounds = progress.device_rounds;
    // Optimization: a serial round takes a few microseconds, and all threads share the lock.
    const Clock::time_point now = Clock::now();
    if (now < job.told + std::chrono::milliseconds(50)) return;
    job.told = now;
    tell(job, 0);
  }

  /// Leaves out what an earlier process has done: all before the round that `first` tells of.
  void begin(Job& job, const Progress& first) {
    job.rounds_done = first.rounds_done - 1U;
    job.device_rounds = first.device_rounds / first.rounds_done * job.rounds_done;
    const std::lock_guard<std::mutex> lock(progress_lock_);
    rounds_ -= job.rounds_done;
  }

  void tell(Job& job, std::size_t runs_ended) {
    const std::lock_guard<std::mutex> lock(progress_lock_);
    runs_done_ += runs_ended;
    rounds_done_ += std::exchange(job.new_rounds, 0);
    device_rounds_ += std::exchange(job.new_device_rounds, 0);
    if (!options_.on_progress) return;
    SweepProgress progress;
    progress.runs_done = found_ + runs_done_;
    progress.runs = jobs_.size();
    progress.rounds_done = rounds_done_;
    progress.rounds = rounds_;
    progress.device_rounds = device_rounds_;
    progress.wall_seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    options_.on_progress(progress);
  }

  // ---- results

  coordinator::Verdict verdict_on(const Job& job) const {
    coordinator::Summary summary;
    summary.rounds = static_cast<std::uint32_t>(job.run.rounds);
    summary.updates = job.run.updates;
    summary.evaluated = job.run.is_evaluated;
    summary.last_evaluation.total.tasks = job.run.evaluation_tasks;
    summary.last_evaluation.total.diverged_tasks = job.run.evaluation_diverged_tasks;
    summary.last_evaluation.total.query_samples = job.run.query_samples;
    const auto dataset = datasets_.find(job.experiment.task.dataset);
    const bool is_known = job.experiment.task.source == TaskSource::kSine || dataset != datasets_.end();
    const Dataset* const data = dataset != datasets_.end() ? dataset->second.get() : nullptr;
    auto plain = coordinator::verdict_of(summary, job.experiment, {});
    if (plain.has_learned || !is_known) return plain;
    return coordinator::verdict_of(summary, job.experiment, data_ranges(job.experiment, data));
  }

  SweepResult finish() {
    SweepResult result;
    result.points = points_;
    result.found = found_;
    for (const Job& job : jobs_) {
      result.runs.push_back(job.run);
      result.finished += job.run.state == State::kFinished ? 1U : 0U;
      result.failed += job.run.state == State::kFailed ? 1U : 0U;
      if (job.run.state != State::kFinished) continue;
      const bool is_first = result.learned_nothing == 0;
      const coordinator::Verdict verdict = verdict_on(job);
      result.learned_nothing += verdict.has_learned ? 0U : 1U;
      if (is_first && !verdict.has_learned) result.verdict = job.run.folder + ": " + verdict.text;
    }
    result.written = write_file(options_.out_dir + "/runs.csv", runs_csv(result));
    if (result.written) result.written = write_file(options_.out_dir + "/sweep.csv", sweep_csv(result));
    return result;
  }

  const SweepOptions& options_;
  std::vector<std::vector<Override>> points_;
  std::vector<Job> jobs_;
  std::vector<std::size_t> open_;  // jobs to compute
  std::size_t found_ = 0;
  std::map<std::string, std::shared_ptr<const Dataset>> datasets_;
  Clock::time_point start_ = Clock::now();
  std::mutex progress_lock_;  // guards what follows, and the calls of on_progress
  std::uint64_t rounds_ = 0;  // to be done by this process
  std::size_t runs_done_ = 0;
  std::uint64_t rounds_done_ = 0;
  std::uint64_t device_rounds_ = 0;
};

}  // namespace

std::uint64_t most_shared_readings(const SweepResult& result) {
  std::uint64_t most = 0;
  for (const SweepRun& run : result.runs) most = std::max(most, run.shared_readings);
  return most;
}

Result<SweepResult> run_sweep(const SweepOptions& options) {
  Sweep sweep(options);
  const auto prepared = sweep.prepare();
  if (!prepared) return prepared.error();
  return sweep.run();
}

}  // namespace skink::simulations
