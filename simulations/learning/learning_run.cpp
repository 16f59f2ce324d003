/// @file
/// The learning engine: a run's rounds and evaluations without messages. What the coordinator's core decides from
/// messages is decided here by the same functions (rounds/). A test holds both engines to one model.

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>

#include "checkpoint.hpp"
#include "cohort_engine.hpp"
#include "skink/coordinator/results/results.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/evaluation_plan.hpp"
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
        membership_(rounds::split_roster(experiment_.seed, experiment_.fleet.devices, experiment_.fleet.held_out)),
        model_(experiment_),
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

  /// As if the run had ended with this model. @returns false: it is damaged, or of another network.
  bool take_model(const std::vector<std::uint8_t>& file) {
    if (model_.take({file.data(), file.size()}) != Status::kOk) return false;
    rounds_done_ = experiment_.meta.rounds;
    model_.encode();
    return model_.file() == file;
  }

  RunResult run() {
    RunResult result;
    result.continued_after = rounds_done_;
    result.lanes = engine_.lanes();
    result.isa = engine_.isa();
    start_ = std::chrono::steady_clock::now();
    if (options_.clock != nullptr) options_.clock->start();
    for (;;) {
      if (rounds::evaluation_is_due(experiment_, rounds_done_, evaluations_)) evaluate();
      if (rounds_done_ == experiment_.meta.rounds) break;
      if (is_stopped()) break;
      run_round(result);
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

  /// All processes agree.
  bool is_stopped() {
    std::vector<std::int64_t> wish{options_.stop && options_.stop() ? 1 : 0};
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
    result.finished = rounds_done_ == experiment_.meta.rounds;
    if (keeps_checkpoints() && !result.finished) write_checkpoint(result);
    if (!history_.empty()) history_.set_last_hash(model_.digest_text());
    result.rounds = history_;
    result.evaluations = evaluations_;
    result.wire = wire_rows();
    const coordinator::RunState state = this->state();
    result.summary = coordinator::summarize(state, "simulator", wall_seconds());
    if (writes_files()) {
      note(result, coordinator::write_results(options_.out_dir, state, result.summary, history_));
      if (wire_ != nullptr) note(result, write_file(wire_path(options_.out_dir), wire_csv(wire_rows())));
    }
    // Now that the results are there.
    if (keeps_checkpoints() && result.finished) note(result, remove_file(checkpoint_path(options_.out_dir)));
  }

  // ---- rounds

  void run_round(RunResult& result) {
    RoundRecord record;
    record.round = rounds_done_;
    record.meta_learning_rate = model_.strategy().meta_learning_rate(rounds_done_);
    lap(options_.clock, kOther);
    const auto device_of = [this](std::uint32_t round, std::uint32_t place) {
      return rounds::cohort_device(experiment_.seed, round, membership_.training, place);
    };
    static const CohortResult kNobody;
    const CohortResult& cohort =
        !model_.strategy().asks_devices() ? kNobody
        : engine_.is_serial()
            ? engine_.run_serial(record.round, record.meta_learning_rate,
                                 [&](std::uint32_t r) { return device_of(r, 0); })
            : engine_.run_cohort(record.round, [&](std::uint32_t place) { return device_of(record.round, place); });
    record.updates = cohort.updates;
    record.total_weight = cohort.updates * engine_.weight();
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
  }

  /// @returns the length of the patch.
  std::size_t step(const RoundRecord& record, const CohortResult& cohort) {
    const auto weight = static_cast<std::int64_t>(engine_.weight());
    weighted_sums_ = cohort.sums;
    if (weight != 1) {
      for (std::int64_t& sum : weighted_sums_) sum *= weight;
    }
    const auto patch = model_.step(record.round, {weighted_sums_.data(), weighted_sums_.size()}, record.total_weight);
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

  void evaluate() {
    const std::uint32_t tasks = rounds::evaluation_tasks(experiment_, rounds_done_);
    EvaluationRecord record;
    record.rounds = rounds_done_;
    record.devices = static_cast<std::uint32_t>(std::min<std::size_t>(membership_.held_out.size(), tasks));
    record.total = engine_.evaluate(tasks, rounds_done_);
    record.traffic = traffic_;
    evaluations_.push_back(record);
    if (wire_ != nullptr) wire_rows_.push_back(wire_->totals());
  }

  std::vector<WireRow> wire_rows() const {
    std::vector<WireRow> rows;
    for (std::size_t i = 0; i < wire_rows_.size(); ++i) {
      rows.push_back({wire_rows_[i], evaluations_[i].loss_after(), evaluations_[i].accuracy_after()});
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
  rounds::Membership membership_;
  rounds::MetaModel model_;
  CohortEngine engine_;
  std::vector<std::int64_t> weighted_sums_;  // [P]
  std::unique_ptr<WireCounter> wire_;        // null: not counted
  std::vector<WireTotals> wire_rows_;
  std::uint32_t rounds_done_ = 0;
  rounds::RoundHistory history_;
  std::vector<EvaluationRecord> evaluations_;
  rounds::Traffic traffic_;
  double earlier_seconds_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point checkpoint_written_ = std::chrono::steady_clock::now();
};

/// The checkpoint that rank 0 finds, for all processes.
Result<std::optional<Checkpoint>> find_checkpoint(const RunOptions& options, const std::string& path) {
  const bool is_alone = options.peers == nullptr || options.peers->count() == 1;
  Result<std::optional<std::string>> text = std::optional<std::string>();
  if (is_alone || options.peers->rank() == 0) text = read_checkpoint_text(path);
  if (!text) return text.error();
  if (!is_alone) {
    std::vector<std::uint8_t> bytes;
    if (*text) bytes.assign((*text)->begin(), (*text)->end());
    options.peers->take_over(bytes);
    if (!bytes.empty()) text = std::optional<std::string>(std::string(bytes.begin(), bytes.end()));
  }
  if (!*text) return std::optional<Checkpoint>();
  auto checkpoint = parse_checkpoint(**text, path, options.experiment.meta.rounds);
  if (!checkpoint) return checkpoint.error();
  return std::optional<Checkpoint>(std::move(*checkpoint));
}

Result<void> check_lanes(const RunOptions& options) {
  if (options.experiment.meta.strategy == StrategyKind::kCentral) {
    return make_error(Status::kUnsupported,
                      "strategy = \"central\": this program draws tasks of one device each, and cannot pool them",
                      Cause::kConfiguration);
  }
  const bool is_online = options.experiment.meta.batch_size == 1 && options.experiment.evaluation.batch_size == 1;
  if (options.lanes == Lanes::kNeuron && !is_online) {
    return make_error(Status::kUnsupported,
                      "neuron lanes compute online SGD: batch_size must be 1, or use device lanes", Cause::kUsage);
  }
  const bool learns_from_query = traits_of(options.experiment.meta.strategy).learning == Learning::kFromQuery;
  if (options.lanes == Lanes::kNeuron && learns_from_query) {
    return make_error(Status::kUnsupported, "neuron lanes compute no gradient of a query set: use device lanes",
                      Cause::kUsage);
  }
  return {};
}

Result<TaskGenerator> make_tasks(const RunOptions& options) {
  if (options.dataset != nullptr) return TaskGenerator::create(options.experiment, options.dataset);
  const auto loaded = load_dataset(options.experiment.task, options.data_dir);
  if (!loaded) return loaded.error();
  return TaskGenerator::create(options.experiment, *loaded);
}

}  // namespace

Result<RunResult> run_learning(const RunOptions& options) {
  const auto tasks = make_tasks(options);
  if (!tasks) return tasks.error();
  const auto checked = check_lanes(options);
  if (!checked) return checked.error();
  LearningRun run(options, *tasks);
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

Result<RunResult> evaluate_model(const RunOptions& options, const std::string& path) {
  const auto tasks = make_tasks(options);
  if (!tasks) return tasks.error();
  const auto checked = check_lanes(options);
  if (!checked) return checked.error();
  const auto file = read_file(path);
  if (!file) return file.error();
  LearningRun run(options, *tasks);
  if (run.take_model({file->begin(), file->end()})) return run.run();
  return make_error(Status::kDamaged,
                    path + ": is damaged, or not a model of this experiment's network and input scale");
}

}  // namespace skink::simulations
