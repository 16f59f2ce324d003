#include "cohort_engine.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "skink/common/codec/codec.hpp"
#include "skink/rounds/evaluation_plan.hpp"

namespace skink::simulations {
namespace {

std::uint32_t parts_of(std::uint32_t count, std::uint32_t size) { return (count + size - 1) / size; }

/// Samples that a run trains on, and those that its evaluations adapt to and score.
struct Work {
  double training = 0;
  double evaluation = 0;
};

Work work_of(const Experiment& experiment, const TaskGenerator& tasks) {
  const MetaConfig& meta = experiment.meta;
  const EvaluationConfig& evaluation = experiment.evaluation;
  const double times = evaluation.every == 0 ? 1 : 1 + static_cast<double>(meta.rounds) / evaluation.every;
  const double count = times * evaluation.tasks + evaluation.final_tasks;
  const double support = tasks.most_support(TaskUse::kEvaluate) * static_cast<double>(evaluation.passes);
  return {static_cast<double>(meta.rounds) * tasks.most_support(TaskUse::kAdapt) * meta.passes,
          count * (support + tasks.most_query(TaskUse::kEvaluate))};
}

}  // namespace

CohortEngine::CohortEngine(const RunOptions& options, const TaskGenerator& tasks, rounds::MetaModel& model)
    : experiment_(options.experiment),
      model_(model),
      peers_(options.peers != nullptr ? *options.peers : alone_),
      give_up_(options.give_up),
      workers_(options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency())) {
  GroupSettings settings;
  settings.experiment = &experiment_;
  settings.network = &model_.network();
  settings.scopes = &model_.scopes();
  settings.tasks = &tasks;
  settings.strategy = &strategy();
  settings.clock = options.clock;
  // Strictly serial rounds are not exchanged, so that processes could not agree on one that is given up.
  settings.give_up = experiment_.meta.cohort == 1 && peers_.count() > 1 ? &never_ : &give_up_;
  settings.functions = options.isa != nullptr ? options.isa : available_lanes().front();
  if (options.lanes == Lanes::kScalar) settings.functions = available_lanes().back();
  if (!codec::parse(experiment_.uplink.c_str(), settings.codec)) throw std::runtime_error("unknown codec");
  if (settings.codec.error_feedback) {
    residuals_ = std::make_unique<ResidualBank>(experiment_.fleet.devices, model_.scopes().sent.trainable_count());
    settings.residuals = residuals_.get();
  }
  plain_bytes_ = static_cast<std::uint32_t>(codec::encoded_bytes(settings.codec, model_.scopes().sent));
  make_groups(options, settings);
  result_.devices.resize(experiment_.meta.cohort);
  result_.outcomes.resize(experiment_.meta.cohort);
  result_.encoded_bytes.resize(experiment_.meta.cohort);
  result_.sums.resize(model_.parameters().size());
}

/// Large networks fall out of the cache when every lane has one; and small cohorts leave lanes empty.
bool CohortEngine::prefers_neurons(const LaneFunctions& functions) const {
  constexpr std::size_t kCacheBytes = 512 * 1024;
  for (const nn::LayerPlan& plan : model_.network().layers()) {
    const bool has_neurons = plan.spec.kind == nn::LayerKind::kDense || plan.spec.kind == nn::LayerKind::kConv2d ||
                             !nn::has_parameters(plan.spec.kind);
    if (!has_neurons) return false;
  }
  return model_.parameters().size() * sizeof(float) * functions.lanes > kCacheBytes ||
         2 * experiment_.meta.cohort <= functions.lanes;
}

/// A device alone in its lanes takes 1.45 (a convolution) to 2.3 (the sine net) times as long as without; evaluations,
/// which fill all lanes, then take up to 7 times as long.
bool CohortEngine::prefers_scalar(const TaskGenerator& tasks) const {
  const Work work = work_of(experiment_, tasks);
  return experiment_.meta.cohort == 1 && work.training > 2 * work.evaluation;
}

void CohortEngine::make_groups(const RunOptions& options, GroupSettings settings) {
  const bool can_be_neurons = strategy().inner_loop().change == wire::ChangeKind::kParameters &&
                              experiment_.adapt.scope.frozen == experiment_.evaluation.scope.frozen;
  const bool wants_neurons = options.lanes == Lanes::kNeuron || (options.lanes == Lanes::kChosen && can_be_neurons &&
                                                                 prefers_neurons(*settings.functions));
  const bool may_choose = options.lanes == Lanes::kChosen && options.isa == nullptr;
  if (!wants_neurons && may_choose && prefers_scalar(*settings.tasks)) settings.functions = available_lanes().back();
  lanes_ = wants_neurons ? "neuron" : "device";
  isa_ = settings.functions->name;
  for (std::uint32_t worker = 0; worker < workers_.count(); ++worker) {
    sums_.emplace_back(model_.parameters().size(), settings.functions->sum_lanes);
    if (!wants_neurons) {
      groups_.push_back(std::make_unique<DeviceGroup>(settings));
      continue;
    }
    auto group = std::make_unique<NeuronGroup>(settings);
    const bool is_serial = experiment_.meta.cohort == 1 && strategy().steps_plainly() &&
                           !model_.downlink().is_compressed() && group->takes_plainly();
    if (worker == 0 && is_serial) serial_ = group.get();
    groups_.push_back(std::move(group));
  }
}

// ---- rounds ---------------------------------------------------------------------------------------------------------

const CohortResult& CohortEngine::run_serial(std::uint32_t round, double meta_learning_rate,
                                             const std::function<std::uint32_t(std::uint32_t)>& device_at) {
  if (round >= ahead_end_) {
    ahead_begin_ = round;
    ahead_end_ = std::min(round + serial_->part_size(), experiment_.meta.rounds);
    for (std::uint32_t r = round; r < ahead_end_; ++r) {
      ahead_rounds_[r - round] = r;
      ahead_devices_[r - round] = device_at(r);
    }
    serial_->begin_serial({ahead_devices_, ahead_rounds_, ahead_end_ - round}, meta_parameters(round));
  }
  result_.devices[0] = ahead_devices_[round - ahead_begin_];
  const Outcome outcome = serial_->run_serial(round - ahead_begin_, strategy().inner_loop(), meta_learning_rate);
  result_.is_complete = !give_up_.was_wanted() || peers_.count() > 1;
  result_.outcomes[0] = outcome;
  result_.encoded_bytes[0] = outcome == Outcome::kDiverged ? 0 : plain_bytes_;
  result_.updates = outcome == Outcome::kTaken ? 1 : 0;
  result_.total_weight = result_.updates * groups_.front()->even_weight();
  phi_is_old_ = true;
  return result_;
}

void CohortEngine::fetch_phi() {
  if (phi_is_old_) serial_->read_phi(model_.data());
  phi_is_old_ = false;
}

const CohortResult& CohortEngine::run_cohort(std::uint32_t round,
                                             const std::function<std::uint32_t(std::uint32_t)>& device_at) {
  for (std::uint32_t place = 0; place < result_.devices.size(); ++place) result_.devices[place] = device_at(place);
  adapt_parts(round);
  RoundSums& sums = sums_.front();
  for (std::size_t worker = 1; worker < sums_.size(); ++worker) sums.add(sums_[worker]);
  result_.updates = sums.updates;
  result_.total_weight = sums.weight;
  result_.longer = sums.longer;
  result_.outliers = sums.outliers;
  for (std::size_t e = 0; e < result_.sums.size(); ++e) result_.sums[e] = sums.total(e);
  result_.is_complete = !give_up_.was_wanted();
  if (peers_.count() > 1) exchange_sums();
  weigh_sums();
  if (residuals_ == nullptr) return result_;
  if (!result_.is_complete) {
    residuals_->take_back();
  } else if (peers_.count() > 1) {
    exchange_residuals();
  }
  return result_;
}

void CohortEngine::adapt_parts(std::uint32_t round) {
  for (RoundSums& sums : sums_) sums.reset();
  std::fill(result_.outcomes.begin(), result_.outcomes.end(), Outcome::kTaken);  // 0: other processes know theirs
  std::fill(result_.encoded_bytes.begin(), result_.encoded_bytes.end(), 0);
  const rounds::InnerLoop loop = strategy().inner_loop();
  const auto devices = static_cast<std::uint32_t>(result_.devices.size());
  const bool keeps = residuals_ != nullptr && give_up_.can_be_wanted();
  if (keeps) residuals_->begin_round(devices);
  share_out(devices, [&](std::uint32_t worker, std::uint32_t first, std::uint32_t count) {
    Outcome* outcomes = result_.outcomes.data();
    std::uint32_t* bytes = result_.encoded_bytes.data();
    for (std::uint32_t slot = first; keeps && slot < first + count; ++slot) {
      residuals_->keep(slot, result_.devices[slot]);
    }
    groups_[worker]->adapt({result_.devices.data() + first, count, round, bytes + first}, loop, meta_parameters(round),
                           sums_[worker], outcomes + first);
    if (!groups_[worker]->takes_plainly()) return;
    for (std::uint32_t slot = first; slot < first + count; ++slot) {
      bytes[slot] = outcomes[slot] == Outcome::kDiverged ? 0 : plain_bytes_;
    }
  });
  for (std::size_t worker = 0; worker < groups_.size(); ++worker) groups_[worker]->finish(sums_[worker]);
}

/// Where all changes weigh as much, the weight is left out until here.
void CohortEngine::weigh_sums() {
  if (!groups_.front()->weighs_evenly()) return;
  const std::uint32_t weight = groups_.front()->even_weight();
  result_.total_weight = (result_.updates - result_.outliers) * weight;
  if (weight == 1) return;
  for (std::int64_t& sum : result_.sums) sum *= weight;
}

std::optional<rounds::TaskResults> CohortEngine::evaluate(std::uint32_t tasks, std::uint32_t rounds_done) {
  fetch_phi();
  ahead_end_ = 0;  // the groups draw other tasks now
  const rounds::InnerLoop loop = rounds::evaluation_loop(experiment_);
  rounds::TaskResults results;
  results.tasks.resize(tasks);
  for (const auto& group : groups_) group->forget_answers();
  share_out(tasks, [&](std::uint32_t worker, std::uint32_t first, std::uint32_t count) {
    groups_[worker]->evaluate(first, count, loop, meta_parameters(rounds_done), results.tasks.data() + first);
  });
  const bool is_given_up = give_up_.was_wanted();
  if (is_given_up && peers_.count() == 1) return std::nullopt;
  results.before = groups_.front()->answers_before();
  results.after = groups_.front()->answers_after();
  for (std::size_t worker = 1; worker < groups_.size(); ++worker) {
    rounds::add(groups_[worker]->answers_before(), results.before);
    rounds::add(groups_[worker]->answers_after(), results.after);
  }
  if (peers_.count() > 1 && !exchange_results(is_given_up, results)) return std::nullopt;
  return results;
}

// ---- threads and processes ------------------------------------------------------------------------------------------

/// Does this process compute the thing at this place? As share_out() says.
bool CohortEngine::is_mine(std::uint32_t place) const {
  return place / groups_.front()->part_size() % peers_.count() == peers_.rank();
}

/// Calls work(worker, first, count) for this process's share of `count` things.
void CohortEngine::share_out(std::uint32_t count,
                             const std::function<void(std::uint32_t, std::uint32_t, std::uint32_t)>& work) {
  const std::uint32_t size = groups_.front()->part_size();
  const std::uint32_t parts = parts_of(count, size);
  const std::uint32_t mine = parts > peers_.rank() ? parts_of(parts - peers_.rank(), peers_.count()) : 0;
  workers_.run(mine, [&](std::uint32_t worker, std::uint32_t part) {
    if (give_up_.is_wanted()) return;
    const std::uint32_t first = (part * peers_.count() + peers_.rank()) * size;
    work(worker, first, std::min(size, count - first));
  });
}

/// Adds up sums, outcomes and counts over the processes; one that has given the round up decides for all.
void CohortEngine::exchange_sums() {
  std::vector<std::int64_t>& sums = result_.sums;
  const std::size_t slots = result_.outcomes.size();
  exchanged_ = sums;
  for (const Outcome outcome : result_.outcomes) exchanged_.push_back(static_cast<std::int64_t>(outcome));
  for (const std::uint32_t bytes : result_.encoded_bytes) exchanged_.push_back(bytes);
  exchanged_.push_back(result_.updates);
  exchanged_.push_back(result_.longer);
  exchanged_.push_back(result_.outliers);
  exchanged_.push_back(result_.total_weight);
  exchanged_.push_back(result_.is_complete ? 0 : 1);
  peers_.add_up(exchanged_);
  result_.is_complete = exchanged_.back() == 0;
  exchanged_.pop_back();
  std::copy_n(exchanged_.begin(), sums.size(), sums.begin());
  for (std::size_t slot = 0; slot < slots; ++slot) {
    result_.outcomes[slot] = static_cast<Outcome>(exchanged_[sums.size() + slot]);
    result_.encoded_bytes[slot] = static_cast<std::uint32_t>(exchanged_[sums.size() + slots + slot]);
  }
  result_.updates = static_cast<std::uint32_t>(exchanged_[exchanged_.size() - 4]);
  result_.longer = static_cast<std::uint32_t>(exchanged_[exchanged_.size() - 3]);
  result_.outliers = static_cast<std::uint32_t>(exchanged_[exchanged_.size() - 2]);
  result_.total_weight = static_cast<std::uint32_t>(exchanged_.back());
}

/// Every process has some tasks; those of others are 0 here. @returns false when one of them gave the evaluation up.
bool CohortEngine::exchange_results(bool is_given_up, rounds::TaskResults& results) {
  exchanged_.clear();
  for (std::uint32_t task = 0; task < results.tasks.size(); ++task) {
    rounds::append_words(is_mine(task) ? &results.tasks[task] : nullptr, exchanged_);
  }
  for (const rounds::Confusion* confusion : {&results.before, &results.after}) {
    for (const std::uint64_t count : confusion->counts) exchanged_.push_back(static_cast<std::int64_t>(count));
  }
  exchanged_.push_back(is_given_up ? 1 : 0);
  peers_.add_up(exchanged_);
  if (exchanged_.back() != 0) return false;
  const std::int64_t* next = exchanged_.data();
  for (rounds::TaskResult& task : results.tasks) next = rounds::read_words(next, task);
  for (rounds::Confusion* confusion : {&results.before, &results.after}) {
    for (std::uint64_t& count : confusion->counts) count = static_cast<std::uint64_t>(*next++);
  }
  return true;
}

/// Which process computes a device changes from round to round, so all of them keep all residuals.
void CohortEngine::exchange_residuals() {
  const std::vector<std::uint32_t>& cohort = result_.devices;
  const std::size_t numbers = residuals_->numbers();
  exchanged_.assign(cohort.size() * numbers, 0);
  for (std::uint32_t slot = 0; slot < cohort.size(); ++slot) {
    if (!is_mine(slot)) continue;
    const std::vector<float>& residual = residuals_->of(cohort[slot]);
    for (std::size_t i = 0; i < numbers; ++i) {
      exchanged_[slot * numbers + i] = arithmetic::RealTraits<float>::to_bits(residual[i]);
    }
  }
  peers_.add_up(exchanged_);
  for (std::uint32_t slot = 0; slot < cohort.size(); ++slot) {
    std::vector<float>& residual = residuals_->of(cohort[slot]);
    for (std::size_t i = 0; i < numbers; ++i) {
      const auto bits = static_cast<std::uint32_t>(exchanged_[slot * numbers + i]);
      residual[i] = arithmetic::RealTraits<float>::from_bits(bits);
    }
  }
}

}  // namespace skink::simulations
