/// @file
/// What operators ask of a fleet service: runs are queued, paused, resumed, stopped.

#include <fmt/format.h>

#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::coordinator {

/// When its turn comes it would be too late to say that the network is another one.
Result<void> FleetService::check_initial_model(Experiment experiment, std::uint32_t number) const {
  if (number == 0) return {};
  const auto file = store_.model_file(number);
  if (!file) return file.error();
  const auto set = set_initial_model(experiment, {file->data(), file->size()}, fmt::format("model {}", number));
  return set ? Result<void>() : make_error(Status::kInvalidArgument, set.error().message);
}

Result<Experiment> FleetService::prepare(RunOrder& order) const {
  if (order.release != ReleasePolicy::kManual && settings_.release_pki.empty()) {
    return make_error(Status::kInvalidArgument,
                      "the model of this run cannot be released: [release] pki of the configuration names no folder "
                      "with a key to sign with");
  }
  if (order.init_model != 0) {
    const auto model = store_.model(order.init_model);
    if (!model) return model.error();
    if (!*model) {
      return make_error(Status::kInvalidArgument, fmt::format("there is no model {}", order.init_model), Cause::kUsage);
    }
    order.overrides.push_back({"init", (*model)->sha256});
  }
  auto read = parse_experiment(order.experiment_text, "experiment", order.overrides);
  if (!read) return read.error();
  if (!read->meta.says_clip && settings_.clip_factor > 0) {  // one odd device must not be able to spoil the model
    order.overrides.push_back({"meta.clip_factor", fmt::format("{}", settings_.clip_factor)});
    read = parse_experiment(order.experiment_text, "experiment", order.overrides);
    if (!read) return read.error();
  }
  const auto experiment = resolve(*read, nullptr);
  if (!experiment) return make_error(Status::kInvalidArgument, experiment.error().message);
  const auto runs = check_runs_in_fleets(*experiment);
  if (!runs) return make_error(Status::kInvalidArgument, runs.error().message);
  if (order.init_model == 0 && !experiment->init.is_random()) {
    return make_error(Status::kInvalidArgument,
                      "the experiment begins with the model " + experiment->init.digest + " (init); name its number");
  }
  const auto fits = check_initial_model(*experiment, order.init_model);
  if (!fits) return fits.error();
  return *experiment;
}

Result<std::uint32_t> FleetService::queue_run(RunOrder order, const std::string& who) {
  auto queued = store_.run_of_key(order.idempotency_key);
  if (!queued || *queued != 0) return queued;
  const auto experiment = prepare(order);
  if (!experiment) return experiment.error();
  order.name = experiment->name;
  const auto number = store_.queue_run(order, experiment->meta.rounds);
  if (!number) return number.error();
  const auto noted = note_audit(who, "run.queue", std::to_string(*number), order.name);
  if (!noted) return noted.error();
  event_of(*number, "info", "run.queued", fmt::format("run {} of '{}' is queued by {}", *number, order.name, who));
  queue_changed_ = true;
  return *number;
}

Result<std::uint32_t> FleetService::once(const std::string& kind, const std::string& key,
                                         const std::function<Result<std::uint32_t>()>& make) {
  auto before = store_.number_of_key(kind, key);
  if (!before || *before != 0) return before;
  auto number = make();
  if (!number || key.empty()) return number;
  const auto noted = store_.note_key(kind, key, *number);
  if (!noted) return noted.error();
  return number;
}

Result<RunRow> FleetService::unfinished(std::uint32_t number) const {
  const auto row = store_.run(number);
  if (!row) return row.error();
  if (!*row) return make_error(Status::kInvalidArgument, fmt::format("there is no run {}", number), Cause::kUsage);
  if (is_over((*row)->phase)) {
    return make_error(Status::kInvalidArgument,
                      fmt::format("run {} is over: it is {}", number, run_phase_text((*row)->phase)));
  }
  return **row;
}

Result<void> FleetService::pause_run(std::uint32_t number, const std::string& who) {
  auto row = unfinished(number);
  if (!row) return row.error();
  if (row->phase == RunPhase::kPaused) return {};
  auto done = note_audit(who, "run.pause", std::to_string(number), "");
  if (!done) return done;
  if (loop_->run() != nullptr && current_->number == number) {
    loop_->withdraw(run_observer_);
    done = set_phase(RunPhase::kPaused, "paused by " + who);
    (void)loop_->end();
    loop_->devices().select({});
    return done;
  }
  queue_changed_ = true;
  done = store_.set_phase(number, RunPhase::kPaused, "paused by " + who, row->rounds_done);
  if (done) event_of(number, "info", "run.phase", fmt::format("run {}: paused: paused by {}", number, who));
  return done;
}

Result<void> FleetService::resume_run(std::uint32_t number, const std::string& who) {
  auto row = unfinished(number);
  if (!row) return row.error();
  if (row->phase != RunPhase::kPaused) {
    return make_error(Status::kInvalidArgument,
                      fmt::format("run {} is not paused: it is {}", number, run_phase_text(row->phase)));
  }
  auto done = note_audit(who, "run.resume", std::to_string(number), "");
  if (done) done = store_.set_phase(number, RunPhase::kQueued, "", row->rounds_done);
  if (done) event_of(number, "info", "run.phase", fmt::format("run {} is resumed by {}", number, who));
  if (current_ && current_->number == number) current_.reset();
  queue_changed_ = true;
  return done;
}

Result<void> FleetService::stop_run(std::uint32_t number, const std::string& who) {
  auto row = unfinished(number);
  if (!row) return row.error();
  auto done = note_audit(who, "run.stop", std::to_string(number), "");
  if (!done) return done;
  if (loop_->run() != nullptr && current_->number == number) return conclude(RunPhase::kStopped, "stopped by " + who);
  queue_changed_ = true;
  if (current_ && current_->number == number) current_.reset();
  if (row->run == 0) {
    done = store_.set_phase(number, RunPhase::kStopped, "stopped by " + who, 0);
    if (done) event_of(number, "info", "run.phase", fmt::format("run {}: stopped: stopped by {}", number, who));
    return done ? decide_trials() : done;
  }
  current_ = *row;
  auto opened = open_run(*row);  // it has begun: what it learned is kept
  if (!opened || loop_->run() == nullptr) return opened;
  return conclude(RunPhase::kStopped, "stopped by " + who);
}

}  // namespace skink::coordinator
