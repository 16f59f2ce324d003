#include "skink/coordinator/service/active_run.hpp"

#include <algorithm>
#include <stdexcept>

#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::coordinator {

Result<std::unique_ptr<ActiveRun>> ActiveRun::open(const RunSource& source, const RunHost& host) {
  auto store = Store::open(source.store);
  if (!store) return because(store.error(), Cause::kStore);
  std::unique_ptr<ActiveRun> run(new ActiveRun(std::move(*store), source));
  const auto prepared = run->prepare(source, host);
  if (!prepared) return prepared.error();
  return run;
}

Result<void> ActiveRun::prepare(const RunSource& source, const RunHost& host) {
  const auto read = parse_experiment(source.text, source.text_name, source.overrides);
  if (!read) return because(read.error(), Cause::kConfiguration);
  const auto experiment = resolve(*read, nullptr);
  if (!experiment) return experiment.error();
  const auto runs = check_runs_in_fleets(*experiment);
  if (!runs) return runs.error();
  const auto has_run = store_.has_run();
  if (!has_run) return because(has_run.error(), Cause::kStore);
  CoordinatorConfig config;
  config.experiment = *experiment;
  config.master_key = host.master_key;
  config.fleet = host.fleet;
  config.devices = host.devices;
  config.model_chunk_bytes = host.model_chunk_bytes;
  config.executor = host.executor;
  config.evaluates_only = source.evaluates_only;
  devices_ = host.devices;
  return *has_run ? go_on(source, std::move(config)) : begin(source, std::move(config));
}

Result<void> ActiveRun::begin(const RunSource& source, CoordinatorConfig config) {
  std::vector<std::uint8_t> initial = source.initial_model;
  if (initial.empty()) {
    auto found = find_initial_model(config.experiment, source.init_file);
    if (!found) return found.error();
    initial = std::move(*found);
  } else {
    const auto set = set_initial_model(config.experiment, {initial.data(), initial.size()}, source.text_name);
    if (!set) return set.error();
  }
  config.run = source.run;
  const auto begun =
      store_.begin_run({source.run, config.experiment.name, source.text, source.overrides, std::move(initial)});
  if (!begun) return because(begun.error(), Cause::kStore);
  core_ = std::make_unique<Coordinator>(std::move(config));
  return {};
}

Result<void> ActiveRun::go_on(const RunSource& source, CoordinatorConfig config) {
  const auto snapshot = store_.load();
  if (!snapshot) return because(snapshot.error(), Cause::kStore);
  if (snapshot->experiment_text != source.text || snapshot->overrides != source.overrides) {
    return make_error(Status::kInvalidArgument,
                      source.store + ": holds run " + std::to_string(snapshot->run) +
                          " of another experiment; name another store, or give the same file and --set");
  }
  if (!config.experiment.init.is_random()) {
    const auto set = set_initial_model(config.experiment,
                                       {snapshot->initial_model.data(), snapshot->initial_model.size()}, source.store);
    if (!set) return because(set.error(), Cause::kStore);
  }
  resumed_ = true;
  try {
    core_ = std::make_unique<Coordinator>(std::move(config), &*snapshot);
  } catch (const std::runtime_error& error) {
    return make_error(Status::kDamaged, source.store + ": " + error.what());
  }
  return {};
}

Result<bool> ActiveRun::is_cleared() const {
  if (core_->phase() != Phase::kFinished) return false;
  return store_.is_cleared();
}

Result<void> ActiveRun::carry_out(BrokerLink& broker, const ServiceObserver& observer, std::uint64_t now_ms) {
  std::vector<Action> actions = core_->take_actions();
  const bool publishes_only = std::all_of(actions.begin(), actions.end(),
                                          [](const Action& action) { return std::holds_alternative<Publish>(action); });
  if (!publishes_only || notes_.is_due(now_ms)) {
    const StoreNotes notes = notes_.take(*devices_, core_->refused(), now_ms);
    auto done = store_.commit({actions.data(), actions.size()}, notes, checkpoint_rounds_);
    if (!done) return done;
    if (observer.on_devices && !notes.devices.empty()) observer.on_devices(notes.devices);
  }
  for (Action& action : actions) {
    if (auto* publication = std::get_if<Publish>(&action)) {
      broker.publish(std::move(*publication));
    } else {
      tell(action, observer);
    }
  }
  broker.flush();
  return {};
}

void ActiveRun::tell(const Action& action, const ServiceObserver& observer) const {
  if (std::holds_alternative<CommitRound>(action) && observer.on_round) observer.on_round(*core_);
  if (const auto* number = std::get_if<CommitNumber>(&action); number != nullptr && observer.on_number) {
    observer.on_number(number->run);
  }
  if (const auto* event = std::get_if<CommitEvent>(&action); event != nullptr && observer.on_event) {
    observer.on_event(event->event);
  }
  if (const auto* evaluation = std::get_if<CommitEvaluation>(&action);
      evaluation != nullptr && observer.on_evaluation) {
    observer.on_evaluation(evaluation->record);
  }
}

}  // namespace skink::coordinator
