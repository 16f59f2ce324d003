/// @file
/// The learning engine: a run's rounds and evaluations without messages. What the coordinator's core decides from
/// messages is decided here by the same functions (rounds/). A test holds both engines to one model.

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "checkpoint.hpp"
#include "cohort_engine.hpp"
#include "figure_files.hpp"
#include "skink/coordinator/results/figures.hpp"
#include "skink/coordinator/results/results.hpp"
#include "skink/host/experiment/membership.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/evaluation_figures.hpp"
#include "skink/rounds/evaluation_plan.hpp"
#include "skink/rounds/evaluation_sums.hpp"
#include "skink/rounds/meta_model.hpp"
#include "skink/rounds/round_history.hpp"
#include "skink/simulations/run.hpp"
#include "wire_counter.hpp"

namespace skink::simulations {
namespace {

using rounds::EvaluationRecord;
using rounds::RoundRecord;

class LearningRun {
 public:
  LearningRun(const RunOptions& options, const TaskGenerator& tasks)
      : options_(options),
        experiment_(options.experiment),
        membership_(split_roster(experiment_)),
        model_(experiment_),
        tasks_(tasks),
        engine_(options, tasks, model_),
        history_(experiment_.meta) {
    if (options.counts_wire) wire_ = std::make_unique<WireCounter>(experiment_);
    traffic_.counts_bytes = false;
  }

  /// Takes up what an earlier process left.
  Result<void> restore(Checkpoint&& checkpoint, const std::string& path) {
    if (checkpoint.experiment != options_.experiment_id) {
      return make_error(Status::kInvalidArgument,
                        path + ": is of another experiment; name another --out, or give --restart to replace it",
                        Cause::kConfiguration);
    }
    if (checkpoint.dataset != options_.dataset_sha256) {
      return make_error(Status::kInvalidArgument,
                        path + ": data set " + experiment_.task.dataset +
                            " has changed since this run was interrupted; restore it to go on, name another --out, or "
                            "give --restart to begin from round 0 with the data as they are",
                        Cause::kData);
    }
    if (wire_ != nullptr && checkpoint.wire.models.empty()) {
      return make_error(Status::kInvalidArgument,
                        path + ": is of a run whose bytes were not counted; give --restart to begin from round 0");
    }
    for (rounds::RoundHistory::Stretch& stretch : checkpoint.rounds) add(std::move(stretch));
    rounds_done_ = history_.size();
    evaluations_ = std::move(checkpoint.evaluations);
    wire_rows_ = std::move(checkpoint.wire_rows);
    earlier_seconds_ = checkpoint.wall_seconds;
    const bool counts_agree =
        wire_ == nullptr || (wire_->restore(checkpoint.wire) && checkpoint.wire.totals.rounds == rounds_done_ &&
                             wire_rows_.size() == evaluations_.size());
    const Bytes file{checkpoint.model.data(), checkpoint.model.size()};
    if (!counts_agree || rounds_done_ > experiment_.meta.rounds || model_.take(file) != Status::kOk ||
        !model_.take_residual(checkpoint.downlink_residual) || !model_.take_strategy_state(checkpoint.strategy_state) ||
        !take_residuals(checkpoint)) {
      return make_error(Status::kDamaged, path + ": is damaged; give --restart to begin from round 0");
    }
    return {};
  }

  /// As if the run had ended with this model. Errors: match_model().
  Result<void> take_model(const std::vector<std::uint8_t>& file, const std::string& path) {
    auto matched = match_model({file.data(), file.size()}, path, model_.model());
    if (!matched) return matched;
    rounds_done_ = experiment_.meta.rounds;
    if (model_.take({file.data(), file.size()}) == Status::kOk) return {};
    return make_error(Status::kDamaged, path + ": cannot be read", Cause::kData);
  }

  RunResult run() {
    RunResult result;
    result.continued_after = rounds_done_;
    result.lanes = engine_.lanes();
    result.isa = engine_.isa();
    start_ = std::chrono::steady_clock::now();
    if (options_.clock != nullptr) options_.clock->start();
    for (;;) {
      if (is_evaluation_due() && !evaluate()) break;
      if (rounds_done_ == experiment_.meta.rounds) break;
      if (is_stopped()) break;
      if (!run_round(result)) break;
      if (checkpoint_is_due()) write_checkpoint(result);
      if (options_.on_progress) {
        options_.on_progress({rounds_done_, experiment_.meta.rounds, traffic_.device_rounds, wall_seconds(),
                              evaluations_.empty() ? nullptr : &evaluations_.back()});
      }
    }
    conclude(result);
    return result;
  }

 private:
  bool writes_files() const { return engine_.peers().rank() == 0 && !options_.out_dir.empty(); }

  /// Of all processes.
  double wall_seconds() const {
    return earlier_seconds_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  bool is_evaluation_due() const { return rounds::evaluation_is_due(experiment_, rounds_done_, evaluations_); }

  /// All processes agree.
  bool is_stopped() {
    const bool wants = (options_.stop && options_.stop()) || (options_.give_up && options_.give_up());
    std::vector<std::int64_t> wish{wants ? 1 : 0};
    if (engine_.peers().count() > 1) engine_.peers().add_up(wish);
    return wish[0] != 0;
  }

  void note(RunResult& result, const Result<void>& written) const { note_written(options_, written, result); }

  void encode_model() {
    engine_.fetch_phi();
    model_.encode();
  }

  coordinator::RunState state() const {
    return {experiment_,
            options_.run,
            experiment_.fleet.devices,
            static_cast<std::uint32_t>(membership_.held_out.size()),
            rounds_done_,
            traffic_,
            evaluations_,
            model_.file(),
            model_.digest(),
            model_.parameters().size()};
  }

  void conclude(RunResult& result) {
    encode_model();
    result.finished = rounds_done_ == experiment_.meta.rounds && !is_evaluation_due();
    if (keeps_checkpoints() && !result.finished) write_checkpoint(result);
    if (!history_.empty()) history_.set_last_hash(model_.digest_text());
    result.rounds = history_;
    result.evaluations = evaluations_;
    result.wire = wire_rows();
    const coordinator::RunState state = this->state();
    result.summary = coordinator::summarize(state, history_, "simulator", wall_seconds());
    result.summary.dataset_sha256 = options_.dataset_sha256;
    describe_clients(tasks_, last_results_, result.summary);
    if (writes_files()) {
      const coordinator::Clients clients{tasks_.client_names(TaskUse::kEvaluate), membership_.held_out};
      note(result, write_figures(options_.out_dir, last_results_, experiment_, clients, tasks_));
      note(result, coordinator::write_results(options_.out_dir, state, result.summary, history_));
      if (wire_ != nullptr) note(result, write_file(wire_path(options_.out_dir), wire_csv(wire_rows())));
    }
    // Now that the results are there.
    if (keeps_checkpoints() && result.finished) note(result, remove_file(checkpoint_path(options_.out_dir)));
  }

  // ---- rounds

  /// @returns false when the round was given up: nothing has changed.
  bool run_round(RunResult& result) {
    RoundRecord record;
    record.round = rounds_done_;
    record.meta_learning_rate = model_.strategy().meta_learning_rate(rounds_done_);
    lap(options_.clock, kOther);
    const auto device_of = [this](std::uint32_t round, std::uint32_t place) {
      return rounds::cohort_device(experiment_.seed, round, membership_.training, place);
    };
    static const CohortResult nobody;
    const CohortResult& cohort =
        learns_from(experiment_) == LearnsFrom::kNothing ? nobody
        : engine_.is_serial()
            ? engine_.run_serial(record.round, record.meta_learning_rate,
                                 [&](std::uint32_t r) { return device_of(r, 0); })
            : engine_.run_cohort(record.round, [&](std::uint32_t place) { return device_of(record.round, place); });
    if (!cohort.is_complete) return false;
    record.updates = cohort.updates;
    record.total_weight = cohort.total_weight;
    std::size_t patch_bytes = 0;
    if (!engine_.is_serial()) patch_bytes = step(record, cohort);
    for (const Outcome outcome : cohort.outcomes) {
      if (outcome != Outcome::kTaken) ++(outcome == Outcome::kDiverged ? record.diverged : record.refused);
    }
    if (wire_ != nullptr) {
      wire_->count_round(cohort.devices, cohort.encoded_bytes);
      if (model_.downlink().is_compressed()) wire_->add_patch(static_cast<std::uint32_t>(patch_bytes));
    }
    ++rounds_done_;
    const bool is_checkpoint = options_.checkpoint_rounds != 0 && rounds_done_ % options_.checkpoint_rounds == 0;
    if (is_checkpoint) keep_model(record, result);
    add({record, 1});
    return true;
  }

  /// @returns the length of the patch.
  std::size_t step(const RoundRecord& record, const CohortResult& cohort) {
    model_.follow_norms(record.updates, cohort.longer);
    const auto patch = model_.step(record.round, {cohort.sums.data(), cohort.sums.size()}, record.total_weight);
    lap(options_.clock, kStep);
    return patch.size();
  }

  /// model-<rounds>.skm
  void keep_model(RoundRecord& record, RunResult& result) {
    encode_model();
    record.model_sha256 = model_.digest_text();
    if (!writes_files()) return;
    const std::string path = options_.out_dir + "/model-" + std::to_string(rounds_done_) + ".skm";
    note(result, coordinator::write_model(path, model_.file()));
  }

  /// Gives finished rounds what they do not say themselves, and counts them.
  void add(rounds::RoundHistory::Stretch stretch) {
    RoundRecord& first = stretch.first;
    first.round = history_.size();
    first.meta_learning_rate = model_.strategy().meta_learning_rate(first.round);
    first.traffic = traffic_;
    first.traffic.device_rounds += first.updates;
    traffic_.device_rounds += std::uint64_t{stretch.count} * first.updates;
    history_.add(std::move(stretch));
  }

  /// @returns false when it was given up.
  bool evaluate() {
    const std::uint32_t tasks = rounds::evaluation_tasks(experiment_, rounds_done_);
    EvaluationRecord record;
    record.rounds = rounds_done_;
    record.devices = static_cast<std::uint32_t>(std::min<std::size_t>(membership_.held_out.size(), tasks));
    const std::optional<rounds::TaskResults> results = engine_.evaluate(tasks, rounds_done_);
    if (!results) return false;
    record.total = rounds::sum_of(results->tasks);
    const auto unit = tasks_.client_names(TaskUse::kEvaluate).empty() ? rounds::Unit::kTask : rounds::Unit::kClient;
    record.figures = rounds::figures_of(*results, experiment_, unit);
    last_results_ = *results;
    record.traffic = traffic_;
    evaluations_.push_back(record);
    if (wire_ != nullptr) wire_rows_.push_back(wire_->totals());
    return true;
  }

  std::vector<WireRow> wire_rows() const {
    std::vector<WireRow> rows;
    for (std::size_t i = 0; i < wire_rows_.size(); ++i) {
      const bool classifies = nn::has_labels(experiment_.model.loss);
      rows.push_back(
          {wire_rows_[i], evaluations_[i].loss_after(), classifies ? evaluations_[i].accuracy_after() : std::nullopt});
    }
    return rows;
  }

  // ---- checkpoints

  bool keeps_checkpoints() const { return writes_files() && !options_.experiment_id.empty(); }

  bool checkpoint_is_due() const {
    if (!keeps_checkpoints()) return false;
    if (options_.checkpoint_rounds != 0 && rounds_done_ % options_.checkpoint_rounds == 0) return true;
    return std::chrono::steady_clock::now() - checkpoint_written_ >= std::chrono::seconds(10);
  }

  void write_checkpoint(RunResult& result) {
    encode_model();
    Checkpoint checkpoint{options_.experiment_id,
                          options_.dataset_sha256,
                          history_.stretches(),
                          evaluations_,
                          wall_seconds(),
                          model_.file(),
                          {},
                          model_.downlink().residual(),
                          model_.strategy_state(),
                          wire_rows_,
                          wire_ == nullptr ? WireCounter::State() : wire_->state()};
    const ResidualBank* residuals = engine_.residuals();
    for (std::uint32_t device = 0; residuals != nullptr && device < residuals->devices(); ++device) {
      if (!residuals->peek(device).empty()) checkpoint.residuals.emplace_back(device, residuals->peek(device));
    }
    note(result, simulations::write_checkpoint(checkpoint_path(options_.out_dir), checkpoint));
    checkpoint_written_ = std::chrono::steady_clock::now();
  }

  /// @returns false: they are not those of this experiment.
  bool take_residuals(const Checkpoint& checkpoint) {
    ResidualBank* residuals = engine_.residuals();
    for (const auto& [device, numbers] : checkpoint.residuals) {
      if (residuals == nullptr || device >= residuals->devices() || numbers.size() != residuals->numbers())
        return false;
      residuals->of(device) = numbers;
    }
    return true;
  }

  const RunOptions& options_;
  const Experiment& experiment_;
  Membership membership_;
  rounds::MetaModel model_;
  TaskGenerator tasks_;
  CohortEngine engine_;
  rounds::TaskResults last_results_;
  std::unique_ptr<WireCounter> wire_;  // null: not counted
  std::vector<WireTotals> wire_rows_;
  std::uint32_t rounds_done_ = 0;
  rounds::RoundHistory history_;
  std::vector<EvaluationRecord> evaluations_;
  rounds::Traffic traffic_;
  double earlier_seconds_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point checkpoint_written_ = std::chrono::steady_clock::now();
};

/// The checkpoint that rank 0 finds, or its error, for all processes.
Result<std::optional<Checkpoint>> find_checkpoint(const RunOptions& options, const std::string& path) {
  const bool is_alone = options.peers == nullptr || options.peers->count() == 1;
  Result<std::optional<std::string>> text = std::optional<std::string>();
  if (is_alone || options.peers->rank() == 0) text = read_checkpoint_text(path);
  if (!is_alone) text = take_over(*options.peers, text);
  if (!text) return text.error();
  if (!*text) return std::optional<Checkpoint>();
  auto checkpoint = parse_checkpoint(**text, path, options.experiment.meta.rounds);
  if (!checkpoint) return checkpoint.error();
  return std::optional<Checkpoint>(std::move(*checkpoint));
}

Result<void> check_lanes(const RunOptions& options) {
  const Experiment& experiment = options.experiment;
  const char* reason = nullptr;
  if (learns_from(experiment) == LearnsFrom::kQuery) {
    reason = "compute no gradient of a query set";
  } else if (experiment.adapt.scope.frozen != experiment.evaluation.scope.frozen) {
    reason = "have one scope: that of [evaluation] must be that of [adapt]";
  }
  if (options.lanes != Lanes::kNeuron || reason == nullptr) return {};
  return make_error(Status::kUnsupported, std::string("neuron lanes ") + reason + ", or use device lanes",
                    Cause::kUsage);
}

Result<PreparedTasks> make_tasks(const RunOptions& options) {
  if (options.dataset != nullptr) return prepare_tasks(options.experiment, options.dataset);
  return prepare_tasks(options.experiment, options.data_dir);
}

}  // namespace

Result<RunResult> run_learning(const RunOptions& given) {
  const auto tasks = make_tasks(given);
  if (!tasks) return tasks.error();
  const auto checked = check_lanes(given);
  if (!checked) return checked.error();
  RunOptions options = given;
  options.experiment = tasks->experiment;
  LearningRun run(options, tasks->tasks);
  if (!options.out_dir.empty() && !options.experiment_id.empty() && !options.restarts) {
    const std::string path = checkpoint_path(options.out_dir);
    auto checkpoint = find_checkpoint(options, path);
    if (!checkpoint) return checkpoint.error();
    if (*checkpoint) {
      const auto restored = run.restore(std::move(**checkpoint), path);
      if (!restored) return restored.error();
    }
  }
  return run.run();
}

Result<RunResult> evaluate_model(const RunOptions& given, const std::string& path) {
  const auto tasks = make_tasks(given);
  if (!tasks) return tasks.error();
  const auto checked = check_lanes(given);
  if (!checked) return checked.error();
  RunOptions options = given;
  options.experiment = tasks->experiment;
  options.experiment.init = {};  // the model takes its place
  const auto file = read_file(path);
  if (!file) return file.error();
  LearningRun run(options, tasks->tasks);
  const auto taken = run.take_model({file->begin(), file->end()}, path);
  if (!taken) return taken.error();
  return run.run();
}

}  // namespace skink::simulations
