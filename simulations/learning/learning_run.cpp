/// @file
/// The learning engine: a run's rounds and evaluations without messages. What the coordinator's core decides from
/// messages is decided here from the same functions of the experiment: cohorts, weights, sums, steps, evaluations. A
/// test holds both engines to one model.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "checkpoint.hpp"
#include "group.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/coordinator/results/results.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/workers.hpp"
#include "skink/rounds/cohort.hpp"
#include "skink/rounds/downlink.hpp"
#include "skink/rounds/evaluation_sums.hpp"
#include "skink/simulations/run.hpp"
#include "wire_counter.hpp"

namespace skink::simulations {
namespace {

using rounds::EvaluationRecord;
using rounds::RoundRecord;

std::uint32_t parts_of(std::uint32_t count, std::uint32_t size) { return (count + size - 1) / size; }

class LearningRun {
 public:
  LearningRun(const RunOptions& options, const TaskGenerator& tasks)
      : options_(options),
        experiment_(options.experiment),
        strategy_(rounds::make_strategy(experiment_.meta)),
        model_{make_network(experiment_.model), experiment_.model.input_scale, experiment_.model.input_offset},
        phi_(initial_parameters(experiment_.model, experiment_.seed)),
        downlink_(experiment_.downlink, model_.network, experiment_.seed),
        membership_(rounds::split_roster(experiment_.seed, experiment_.fleet.devices, experiment_.fleet.held_out)),
        peers_(options.peers != nullptr ? *options.peers : alone_),
        workers_(options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency())) {
    GroupSettings settings;
    settings.experiment = &experiment_;
    settings.network = &model_.network;
    settings.tasks = &tasks;
    settings.clock = options.clock;
    settings.functions = options.isa != nullptr ? options.isa : available_lanes().front();
    if (options.lanes == Lanes::kScalar) settings.functions = available_lanes().back();
    if (!codec::parse(experiment_.uplink.c_str(), settings.codec)) throw std::runtime_error("unknown codec");
    if (settings.codec.error_feedback) {
      residuals_ = std::make_unique<ResidualBank>(experiment_.fleet.devices, model_.network.trainable_count());
      settings.residuals = residuals_.get();
    }
    if (options.counts_wire) wire_ = std::make_unique<WireCounter>(experiment_);
    plain_bytes_ = static_cast<std::uint32_t>(codec::encoded_bytes(settings.codec, model_.network));
    make_groups(settings);
    traffic_.counts_bytes = false;
    cohort_.resize(experiment_.meta.cohort);
    outcomes_.resize(experiment_.meta.cohort);
    encoded_bytes_.resize(experiment_.meta.cohort);
    totals_.resize(phi_.size());
  }

  /// Takes up what an earlier process left.
  Result<void> restore(Checkpoint&& checkpoint, const std::string& path) {
    if (checkpoint.experiment != options_.experiment_id) {
      return make_error(Status::kInvalidArgument,
                        path + ": is of another experiment; name another --out, or give --restart to replace it",
                        Cause::kConfiguration);
    }
    if (checkpoint.rounds.size() > experiment_.meta.rounds || !take_parameters(checkpoint.model)) {
      return make_error(Status::kDamaged, path + ": is damaged; give --restart to begin from round 0");
    }
    rounds_ = std::move(checkpoint.rounds);
    evaluations_ = std::move(checkpoint.evaluations);
    for (const auto& [device, numbers] : checkpoint.residuals) {
      if (residuals_ == nullptr || device >= residuals_->devices() || numbers.size() != residuals_->numbers()) {
        return make_error(Status::kDamaged, path + ": is damaged; give --restart to begin from round 0");
      }
      residuals_->of(device) = numbers;
    }
    if (wire_ != nullptr && checkpoint.wire.models.empty()) {
      return make_error(Status::kInvalidArgument,
                        path + ": is of a run whose bytes were not counted; give --restart to begin from round 0");
    }
    wire_rows_ = std::move(checkpoint.wire_rows);
    const bool counts_agree =
        wire_ == nullptr || (wire_->restore(checkpoint.wire) && checkpoint.wire.totals.rounds == rounds_.size() &&
                             wire_rows_.size() == evaluations_.size());
    if (!counts_agree || !downlink_.restore(checkpoint.downlink_residual)) {
      return make_error(Status::kDamaged, path + ": is damaged; give --restart to begin from round 0");
    }
    earlier_seconds_ = checkpoint.wall_seconds;
    for (RoundRecord& record : rounds_) {
      record.round = rounds_done_++;
      record.meta_learning_rate = strategy_->meta_learning_rate(record.round);
      traffic_.device_rounds += record.updates;
      record.traffic = traffic_;
    }
    return {};
  }

  /// As if the run had ended with this model. @returns false: it is damaged, or of another network.
  bool take_model(const std::vector<std::uint8_t>& file) {
    if (!take_parameters(file)) return false;
    rounds_done_ = experiment_.meta.rounds;
    encode_model();
    return model_file_ == file;
  }

  RunResult run() {
    RunResult result;
    result.continued_after = rounds_done_;
    result.lanes = lanes_;
    result.isa = isa_;
    start_ = std::chrono::steady_clock::now();
    if (options_.clock != nullptr) options_.clock->start();
    for (;;) {
      if (evaluation_is_due()) evaluate();
      if (rounds_done_ == experiment_.meta.rounds) break;
      if (is_stopped()) break;
      run_round(result);
      if (checkpoint_is_due()) write_checkpoint(result);
      if (options_.on_progress) {
        options_.on_progress({rounds_done_, experiment_.meta.rounds, traffic_.device_rounds, wall_seconds(),
                              evaluations_.empty() ? nullptr : &evaluations_.back()});
      }
    }
    encode_model();
    result.finished = rounds_done_ == experiment_.meta.rounds;
    if (keeps_checkpoints() && !result.finished) write_checkpoint(result);
    if (!rounds_.empty()) rounds_.back().model_sha256 = digest_text();
    result.rounds = rounds_;
    result.evaluations = evaluations_;
    result.wire = wire_rows();
    const coordinator::RunState state = this->state();
    result.summary = coordinator::summarize(state, "simulator", wall_seconds());
    if (writes_files()) {
      note(result, coordinator::write_results(options_.out_dir, state, result.summary, rounds_));
      if (wire_ != nullptr) note(result, write_file(wire_path(options_.out_dir), wire_csv(wire_rows())));
    }
    // Now that the results are there.
    if (keeps_checkpoints() && result.finished) note(result, remove_file(checkpoint_path(options_.out_dir)));
    return result;
  }

 private:
  bool take_parameters(const std::vector<std::uint8_t>& file) {
    const Bytes bytes{file.data(), file.size()};
    const model::ByteSource source = model::source_of(bytes);
    model::ModelInfo info;
    return model::inspect(source, info) == Status::kOk && info.model.network.parameter_count() == phi_.size() &&
           model::read_parameters(source, info, 0, {phi_.data(), phi_.size()}) == Status::kOk;
  }

  /// Large networks fall out of the cache when every lane has one; and small cohorts leave lanes empty.
  bool prefers_neurons(const LaneFunctions& functions) const {
    constexpr std::size_t kCacheBytes = 512 * 1024;
    for (const nn::LayerPlan& plan : model_.network.layers()) {
      const bool has_neurons = plan.spec.kind == nn::LayerKind::kDense || !nn::has_parameters(plan.spec.kind);
      if (!has_neurons) return false;
    }
    return phi_.size() * sizeof(float) * functions.lanes > kCacheBytes ||
           2 * experiment_.meta.cohort <= functions.lanes;
  }

  void make_groups(const GroupSettings& settings) {
    const bool is_online = experiment_.meta.batch_size == 1 && experiment_.evaluation.batch_size == 1;
    const bool wants_neurons = options_.lanes == Lanes::kNeuron ||
                               (options_.lanes == Lanes::kChosen && is_online && prefers_neurons(*settings.functions));
    lanes_ = wants_neurons ? "neuron" : "device";
    isa_ = settings.functions->name;
    for (std::uint32_t worker = 0; worker < workers_.count(); ++worker) {
      sums_.emplace_back(phi_.size(), settings.functions->sum_lanes);
      if (!wants_neurons) {
        groups_.push_back(std::make_unique<DeviceGroup>(settings));
        continue;
      }
      auto group = std::make_unique<NeuronGroup>(settings);
      const bool is_serial = experiment_.meta.cohort == 1 && !downlink_.is_compressed() && group->takes_plainly();
      if (worker == 0 && is_serial) serial_ = group.get();
      groups_.push_back(std::move(group));
    }
  }

  coordinator::RunState state() const {
    return {experiment_,
            options_.run,
            experiment_.fleet.devices,
            static_cast<std::uint32_t>(membership_.held_out.size()),
            rounds_done_,
            traffic_,
            evaluations_,
            model_file_,
            digest_,
            phi_.size()};
  }

  /// Of all processes.
  double wall_seconds() const {
    return earlier_seconds_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  bool writes_files() const { return peers_.rank() == 0 && !options_.out_dir.empty(); }

  /// All processes agree.
  bool is_stopped() {
    std::vector<std::int64_t> wish{options_.stop && options_.stop() ? 1 : 0};
    if (peers_.count() > 1) peers_.add_up(wish);
    return wish[0] != 0;
  }

  void note(RunResult& result, const Result<void>& written) const { note_written(options_, written, result); }

  void encode_model() {
    fetch_phi();
    model_file_.resize(model::model_bytes(model_.network));
    const Status status =
        model::encode(model_, {phi_.data(), phi_.size()}, {model_file_.data(), model_file_.size()}, digest_);
    if (status != Status::kOk) throw std::runtime_error("the meta-parameters are not finite");
  }

  std::string digest_text() const {
    char hex[2 * crypto::kDigestBytes + 1];
    crypto::to_hex(digest_, hex);
    return hex;
  }

  // ---- rounds

  void run_round(RunResult& result) {
    RoundRecord record;
    record.round = rounds_done_;
    record.meta_learning_rate = strategy_->meta_learning_rate(rounds_done_);
    lap(options_.clock, kOther);
    if (serial_ != nullptr) {
      adapt_serially(record);
    } else {
      adapt_cohort(record);
    }
    note_outcomes(record, result);
    if (wire_ != nullptr) count_wire();
    ++rounds_done_;
    traffic_.device_rounds += record.updates;
    record.traffic = traffic_;
    const bool is_checkpoint = options_.checkpoint_rounds != 0 && rounds_done_ % options_.checkpoint_rounds == 0;
    if (is_checkpoint) {
      encode_model();
      record.model_sha256 = digest_text();
      if (writes_files()) {
        note(result, coordinator::write_model(options_.out_dir + "/model-" + std::to_string(rounds_done_) + ".skm",
                                              model_file_));
      }
    }
    rounds_.push_back(std::move(record));
  }

  std::vector<WireRow> wire_rows() const {
    std::vector<WireRow> rows;
    for (std::size_t i = 0; i < wire_rows_.size(); ++i) {
      rows.push_back({wire_rows_[i], evaluations_[i].loss_after(), evaluations_[i].accuracy_after()});
    }
    return rows;
  }

  void count_wire() {
    wire_->count_round(cohort_, encoded_bytes_);
    if (downlink_.is_compressed()) wire_->add_patch(patch_bytes_);
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
    Checkpoint checkpoint{
        options_.experiment_id, rounds_,     evaluations_,
        wall_seconds(),         model_file_, {},
        downlink_.residual(),   wire_rows_,  wire_ == nullptr ? WireCounter::State() : wire_->state()};
    for (std::uint32_t device = 0; residuals_ != nullptr && device < residuals_->devices(); ++device) {
      if (!residuals_->peek(device).empty()) checkpoint.residuals.emplace_back(device, residuals_->peek(device));
    }
    note(result, simulations::write_checkpoint(checkpoint_path(options_.out_dir), checkpoint));
    checkpoint_written_ = std::chrono::steady_clock::now();
  }

  MetaParameters meta_parameters() const { return {phi_.data(), rounds_done_}; }

  std::uint32_t weight() const { return strategy_->aggregation_weight(groups_.front()->support_count()); }

  std::uint32_t device_of(std::uint32_t round, std::uint32_t position) const {
    return rounds::cohort_device(experiment_.seed, round, membership_.training, position);
  }

  /// One device a round, and phi stays with the group.
  void adapt_serially(RoundRecord& record) {
    const std::uint32_t round = record.round;
    if (round >= ahead_end_) {
      ahead_begin_ = round;
      ahead_end_ = std::min(round + serial_->part_size(), experiment_.meta.rounds);
      for (std::uint32_t r = round; r < ahead_end_; ++r) {
        ahead_rounds_[r - round] = r;
        ahead_devices_[r - round] = device_of(r, 0);
      }
      serial_->begin_serial({ahead_devices_, ahead_rounds_, ahead_end_ - round}, meta_parameters());
    }
    cohort_[0] = ahead_devices_[round - ahead_begin_];
    outcomes_[0] =
        serial_->run_serial(round - ahead_begin_, strategy_->inner_loop(), record.meta_learning_rate, weight());
    encoded_bytes_[0] = outcomes_[0] == Outcome::kDiverged ? 0 : plain_bytes_;
    phi_is_old_ = true;
    record.updates = outcomes_[0] == Outcome::kTaken ? 1 : 0;
    record.total_weight = record.updates * weight();
  }

  /// Before anybody reads phi_.
  void fetch_phi() {
    if (phi_is_old_) serial_->read_phi(phi_.data());
    phi_is_old_ = false;
  }

  void adapt_cohort(RoundRecord& record) {
    for (std::uint32_t position = 0; position < cohort_.size(); ++position) {
      cohort_[position] = device_of(rounds_done_, position);
    }
    adapt_parts(record.round);
    RoundSums& sums = sums_.front();
    for (std::size_t worker = 1; worker < sums_.size(); ++worker) sums.add(sums_[worker]);
    record.updates = sums.updates;
    for (std::size_t e = 0; e < totals_.size(); ++e) totals_[e] = sums.total(e);
    if (peers_.count() > 1) {
      record.updates = exchange(record.updates);
      if (residuals_ != nullptr) exchange_residuals();
    }
    record.total_weight = record.updates * weight();
    step(record.meta_learning_rate, record.total_weight);
    lap(options_.clock, kStep);
  }

  /// Adds up totals and outcomes over the processes. @returns all updates.
  std::uint32_t exchange(std::uint32_t updates) {
    exchanged_ = totals_;
    for (const Outcome outcome : outcomes_) exchanged_.push_back(static_cast<std::int64_t>(outcome));
    for (const std::uint32_t bytes : encoded_bytes_) exchanged_.push_back(bytes);
    exchanged_.push_back(updates);
    peers_.add_up(exchanged_);
    std::copy_n(exchanged_.begin(), totals_.size(), totals_.begin());
    for (std::size_t slot = 0; slot < outcomes_.size(); ++slot) {
      outcomes_[slot] = static_cast<Outcome>(exchanged_[totals_.size() + slot]);
      encoded_bytes_[slot] = static_cast<std::uint32_t>(exchanged_[totals_.size() + outcomes_.size() + slot]);
    }
    return static_cast<std::uint32_t>(exchanged_.back());
  }

  /// Which process computes a device changes from round to round, so all of them keep all residuals.
  void exchange_residuals() {
    const std::size_t numbers = residuals_->numbers();
    exchanged_.assign(cohort_.size() * numbers, 0);
    for (std::uint32_t slot = 0; slot < cohort_.size(); ++slot) {
      if (!is_mine(slot)) continue;
      const std::vector<float>& residual = residuals_->of(cohort_[slot]);
      for (std::size_t i = 0; i < numbers; ++i) {
        exchanged_[slot * numbers + i] = arithmetic::RealTraits<float>::to_bits(residual[i]);
      }
    }
    peers_.add_up(exchanged_);
    for (std::uint32_t slot = 0; slot < cohort_.size(); ++slot) {
      std::vector<float>& residual = residuals_->of(cohort_[slot]);
      for (std::size_t i = 0; i < numbers; ++i) {
        const auto bits = static_cast<std::uint32_t>(exchanged_[slot * numbers + i]);
        residual[i] = arithmetic::RealTraits<float>::from_bits(bits);
      }
    }
  }

  /// Does this process compute the thing at this place? As share_out() says.
  bool is_mine(std::uint32_t place) const {
    return place / groups_.front()->part_size() % peers_.count() == peers_.rank();
  }

  /// Calls work(worker, first, count) for this process's share of `count` things.
  void share_out(std::uint32_t count, const std::function<void(std::uint32_t, std::uint32_t, std::uint32_t)>& work) {
    const std::uint32_t size = groups_.front()->part_size();
    const std::uint32_t parts = parts_of(count, size);
    const std::uint32_t mine = parts > peers_.rank() ? parts_of(parts - peers_.rank(), peers_.count()) : 0;
    workers_.run(mine, [&](std::uint32_t worker, std::uint32_t part) {
      const std::uint32_t first = (part * peers_.count() + peers_.rank()) * size;
      work(worker, first, std::min(size, count - first));
    });
  }

  void adapt_parts(std::uint32_t round) {
    for (RoundSums& sums : sums_) sums.reset();
    std::fill(outcomes_.begin(), outcomes_.end(), Outcome::kTaken);  // 0: other processes know theirs
    std::fill(encoded_bytes_.begin(), encoded_bytes_.end(), 0);
    const rounds::InnerLoop loop = strategy_->inner_loop();
    const auto devices = static_cast<std::uint32_t>(cohort_.size());
    share_out(devices, [&](std::uint32_t worker, std::uint32_t first, std::uint32_t count) {
      groups_[worker]->adapt({cohort_.data() + first, count, round, encoded_bytes_.data() + first}, loop,
                             meta_parameters(), sums_[worker], outcomes_.data() + first);
      if (!groups_[worker]->takes_plainly()) return;
      for (std::uint32_t slot = first; slot < first + count; ++slot) {
        encoded_bytes_[slot] = outcomes_[slot] == Outcome::kDiverged ? 0 : plain_bytes_;
      }
    });
    for (std::size_t worker = 0; worker < groups_.size(); ++worker) groups_[worker]->finish(sums_[worker]);
  }

  void step(double meta_learning_rate, std::uint32_t total_weight) {
    patch_bytes_ = 0;
    if (total_weight == 0) return;
    const std::vector<float> before = downlink_.is_compressed() ? phi_ : std::vector<float>();
    const auto weight = static_cast<std::int64_t>(this->weight());  // all devices have equally many samples
    for (const nn::Tensor& tensor : model_.network.tensors()) {
      if (!tensor.trainable) continue;
      for (std::size_t e = tensor.offset; e < tensor.offset + std::size_t{tensor.count}; ++e) {
        const double mean = arithmetic::mean_of_fixed_point(totals_[e] * weight, total_weight);
        phi_[e] = arithmetic::outer_step(phi_[e], meta_learning_rate, mean);
      }
    }
    if (downlink_.is_compressed()) {
      patch_bytes_ = static_cast<std::uint32_t>(downlink_.pass(rounds_done_, before, phi_).size());
    }
    if (!nn::all_finite({phi_.data(), phi_.size()})) throw std::runtime_error("the meta-parameters are not finite");
  }

  void note_outcomes(RoundRecord& record, RunResult& result) {
    for (std::uint32_t slot = 0; slot < cohort_.size(); ++slot) {
      if (outcomes_[slot] == Outcome::kTaken) continue;
      const bool has_diverged = outcomes_[slot] == Outcome::kDiverged;
      ++(has_diverged ? record.diverged : record.refused);
      result.events.push_back(
          {record.round, has_diverged ? coordinator::EventKind::kDiverged : coordinator::EventKind::kRefused, slot,
           cohort_[slot], 0, has_diverged ? wire::Refusal::kNone : wire::Refusal::kTooLarge, ""});
    }
  }

  // ---- evaluation

  bool evaluation_is_due() const {
    if (membership_.held_out.empty() || rounds::evaluation_tasks(experiment_, rounds_done_) == 0) return false;
    if (!evaluations_.empty() && evaluations_.back().rounds == rounds_done_) return false;  // by an earlier process
    if (rounds_done_ == 0 || rounds_done_ == experiment_.meta.rounds) return true;
    return experiment_.evaluation.every > 0 && rounds_done_ % experiment_.evaluation.every == 0;
  }

  void evaluate() {
    fetch_phi();
    ahead_end_ = 0;  // the groups draw other tasks now
    const std::uint32_t tasks = rounds::evaluation_tasks(experiment_, rounds_done_);
    const EvaluationConfig& config = experiment_.evaluation;
    const rounds::InnerLoop loop{config.inner_learning_rate, config.passes, config.batch_size};
    std::vector<wire::Evaluation> totals(workers_.count());
    share_out(tasks, [&](std::uint32_t worker, std::uint32_t first, std::uint32_t count) {
      groups_[worker]->evaluate(first, count, loop, meta_parameters(), totals[worker]);
    });
    EvaluationRecord record;
    record.rounds = rounds_done_;
    record.devices = static_cast<std::uint32_t>(std::min<std::size_t>(membership_.held_out.size(), tasks));
    for (const wire::Evaluation& part : totals) rounds::add(part, record.total);
    if (peers_.count() > 1) exchange(record.total);
    record.traffic = traffic_;
    evaluations_.push_back(record);
    if (wire_ != nullptr) wire_rows_.push_back(wire_->totals());
  }

  void exchange(wire::Evaluation& total) {
    std::vector<std::int64_t> words = rounds::to_words(total);
    peers_.add_up(words);
    total = rounds::from_words(words);
  }

  const RunOptions& options_;
  const Experiment& experiment_;
  std::unique_ptr<rounds::Strategy> strategy_;
  model::Model model_;
  std::vector<float> phi_;
  rounds::Downlink downlink_;
  std::unique_ptr<ResidualBank> residuals_;  // null: no error feedback
  rounds::Membership membership_;
  Peers alone_;
  Peers& peers_;
  Workers workers_;
  const char* lanes_ = "";
  const char* isa_ = "";
  std::vector<std::unique_ptr<Group>> groups_;  // one for each worker
  std::vector<RoundSums> sums_;                 // likewise
  NeuronGroup* serial_ = nullptr;               // holds phi, in a run of strictly serial rounds
  bool phi_is_old_ = false;                     // ... and phi_ that of an earlier round
  std::uint32_t ahead_devices_[kMaxLanes] = {};
  std::uint32_t ahead_rounds_[kMaxLanes] = {};
  std::uint32_t ahead_begin_ = 0;
  std::uint32_t ahead_end_ = 0;
  std::vector<std::uint32_t> cohort_;
  std::vector<Outcome> outcomes_;
  std::vector<std::uint32_t> encoded_bytes_;  // of each change of the round
  std::uint32_t plain_bytes_ = 0;             // of a change that is not encoded
  std::uint32_t patch_bytes_ = 0;             // of the round's step
  std::unique_ptr<WireCounter> wire_;         // null: not counted
  std::vector<WireTotals> wire_rows_;
  std::vector<std::int64_t> totals_;     // [P], of the round
  std::vector<std::int64_t> exchanged_;  // between processes
  std::uint32_t rounds_done_ = 0;
  std::vector<RoundRecord> rounds_;
  double earlier_seconds_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point checkpoint_written_ = std::chrono::steady_clock::now();
  rounds::Traffic traffic_;
  std::vector<EvaluationRecord> evaluations_;
  std::vector<std::uint8_t> model_file_;
  crypto::Digest digest_;
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
  const bool is_online = options.experiment.meta.batch_size == 1 && options.experiment.evaluation.batch_size == 1;
  if (options.lanes == Lanes::kNeuron && !is_online) {
    return make_error(Status::kUnsupported,
                      "neuron lanes compute online SGD: batch_size must be 1, or use device lanes", Cause::kUsage);
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
