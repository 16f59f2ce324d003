/// @file
/// Gates: a new model is judged by a few devices on their own samples before the others get it.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "skink/coordinator/service/fleet_service.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kMostTrials = 1'000'000;
/// One of the roster is of those that would train, and is not asked.
std::uint32_t least_roster(const Gate& gate) { return std::max(2U, gate.least_devices + 1); }

constexpr double kLossUnit = 1.0 / (1 << 20);  // docs/arithmetic.md, section 7

}  // namespace

std::string FleetService::key_of(const TrialOrigin& origin, const char* model) {
  return origin.key.empty() ? "" : fmt::format("{}: {} model", origin.key, model);
}

std::uint32_t FleetService::online_in(const std::string& group) const {
  const Selection selection{group, "", ""};
  std::uint32_t devices = 0;
  loop_->devices().for_each([&](const KnownDevice& device) {
    devices += static_cast<std::uint32_t>(device.presence.online && is_selected(selection, device));
  });
  return devices;
}

Result<std::uint32_t> FleetService::try_model(std::uint32_t model, const std::string& group, const Gate& gate,
                                              const std::string& who) {
  const auto row = store_.model(model);
  if (!row) return row.error();
  if (!*row || (*row)->run == 0) {
    return make_error(Status::kInvalidArgument, fmt::format("there is no model {} that was learned here", model),
                      Cause::kUsage);
  }
  const std::uint32_t devices = online_in(group);
  if (devices < least_roster(gate)) {
    return make_error(Status::kInvalidArgument,
                      fmt::format("{} devices of the group '{}' are online, {} are needed: one more than judge",
                                  devices, group, least_roster(gate)));
  }
  TrialRow trial;
  trial.model = model;
  trial.group = group;
  trial.gate = gate;
  return begin_trial(trial, devices, {who, ""});
}

/// Once: whoever was killed after it does it again. Canaries that are away may come while it waits.
Result<void> FleetService::gate_model(std::uint32_t model) {
  const RunOrder& order = current_->order;
  const std::string who = fmt::format("run {}", current_->number);
  const TrialOrigin origin{who, "\x01gate of " + who};
  const auto evaluation = store_.run_of_key(key_of(origin, "new"));
  const auto trials = store_.trials({0, kMostTrials});
  if (!evaluation || !trials) return evaluation ? trials.error() : evaluation.error();
  const auto is_ours = [&](const TrialRow& trial) { return *evaluation != 0 && trial.new_run == *evaluation; };
  if (std::any_of(trials->begin(), trials->end(), is_ours)) return {};
  TrialRow trial;
  trial.model = model;
  trial.group = order.gate_group;
  trial.gate = order.gate;
  const std::uint32_t online = online_in(order.gate_group);
  const std::uint32_t devices = std::max(online - online / 4, least_roster(order.gate));  // some may go meanwhile
  const auto number = begin_trial(trial, devices, origin);
  if (number) return {};
  if (number.error().cause == Cause::kStore) return number.error();
  event("error", "trial.failed",
        fmt::format("model {} is not tried, and not released: {}", model, number.error().message));
  return {};
}

/// What the devices of a group have, or shall have: the newest release to it or to all.
Result<std::optional<ReleaseRow>> FleetService::released_to(const std::string& group) const {
  const auto rows = store_.releases({0, kMostTrials});
  if (!rows) return rows.error();
  std::optional<ReleaseRow> newest;
  for (const ReleaseRow& row : *rows) {
    if (row.group.empty() || row.group == group) newest = row;
  }
  return newest;
}

/// The group that a trial's model goes to: that which a gated run has learned from; all, of another run's model.
Result<std::string> FleetService::audience_of(const TrialRow& trial) const {
  const auto row = store_.model(trial.model);
  if (!row) return row.error();
  const auto run = *row ? store_.run((*row)->run) : Result<std::optional<RunRow>>(std::nullopt);
  if (!run) return run.error();
  return *run && (*run)->order.release == ReleasePolicy::kGated ? (*run)->order.selection.group : std::string();
}

Result<std::uint32_t> FleetService::begin_trial(TrialRow trial, std::uint32_t devices, const TrialOrigin& origin) {
  const auto audience = audience_of(trial);
  if (!audience) return audience.error();
  const auto released = released_to(*audience);
  if (!released) return released.error();
  trial.old_model = *released ? (*released)->model : 0;
  if (trial.old_model != 0) {
    const auto run = queue_evaluation(trial.old_model, trial, devices, origin);
    if (!run) return run.error();
    trial.old_run = *run;
  }
  const auto run = queue_evaluation(trial.model, trial, devices, origin);
  if (!run) return run.error();
  trial.new_run = *run;
  const auto number = store_.add_trial(trial);
  if (!number) return number.error();
  const auto noted = note_audit(origin.who, "trial.add", std::to_string(*number), fmt::format("model {}", trial.model));
  if (!noted) return noted.error();
  event("info", "trial.begun",
        fmt::format("trial {}: model {} against {} by {} devices of the group '{}'", *number, trial.model,
                    trial.old_model, devices - 1, trial.group));
  return *number;
}

/// Both models are scored on the same tasks, by the same devices, as the experiment of the new one says.
Result<std::uint32_t> FleetService::queue_evaluation(std::uint32_t model, const TrialRow& trial, std::uint32_t devices,
                                                     const TrialOrigin& origin) {
  const auto row = store_.model(trial.model);
  if (!row) return row.error();
  const auto run = store_.run((*row)->run);
  if (!run) return run.error();
  if (!*run) return make_error(Status::kInvalidArgument, fmt::format("the run of model {} is gone", trial.model));
  RunOrder order = (*run)->order;
  order.kind = RunKind::kEvaluate;
  order.release = ReleasePolicy::kManual;
  order.idempotency_key = key_of(origin, model == trial.model ? "new" : "old");
  order.init_model = model;
  order.selection = {trial.group, "", ""};
  order.wait_s = trial.gate.wait_s;
  auto& overrides = order.overrides;
  overrides.erase(
      std::remove_if(overrides.begin(), overrides.end(), [](const Override& one) { return one.key == "init"; }),
      overrides.end());
  const std::string judges = std::to_string(devices - 1);
  for (const char* key : {"fleet.held_out", "evaluation.tasks", "evaluation.final_tasks"})
    overrides.push_back({key, judges});
  overrides.push_back({"fleet.devices", std::to_string(devices)});
  overrides.push_back({"meta.cohort", "1"});
  return queue_run(order, origin.who);
}

/// After a run is over, and at the start: whoever was killed in between decides now.
Result<void> FleetService::decide_trials() {
  const auto trials = store_.trials({0, kMostTrials});
  if (!trials) return trials.error();
  for (const TrialRow& trial : *trials) {
    if (trial.phase != TrialPhase::kJudging) continue;
    const auto broken = broken_run(trial);
    if (!broken) return broken.error();
    if (*broken) {
      auto stopped = stop_partner(trial, (*broken)->number);
      if (!stopped) return stopped;
    }
    bool is_judged = true;
    for (const std::uint32_t number : {trial.old_run, trial.new_run}) {
      if (number == 0) continue;
      const auto run = store_.run(number);
      if (!run) return run.error();
      is_judged = is_judged && *run && is_over((*run)->phase);
    }
    auto done = is_judged ? decide(trial) : Result<void>();
    if (!done) return done;
  }
  return {};
}

/// That of its runs which ended without having judged; nothing: none has.
Result<std::optional<RunRow>> FleetService::broken_run(const TrialRow& trial) const {
  for (const std::uint32_t number : {trial.old_run, trial.new_run}) {
    auto run = number != 0 ? store_.run(number) : Result<std::optional<RunRow>>(std::nullopt);
    if (!run) return run.error();
    if (*run && is_over((*run)->phase) && (*run)->phase != RunPhase::kFinished) return run;
  }
  return std::optional<RunRow>();
}

/// The other run of a trial would judge in vain: unless it has begun, it does not.
Result<void> FleetService::stop_partner(const TrialRow& trial, std::uint32_t broken) {
  const std::uint32_t other = broken == trial.old_run ? trial.new_run : trial.old_run;
  const auto run = other != 0 ? store_.run(other) : Result<std::optional<RunRow>>(std::nullopt);
  if (!run) return run.error();
  if (!*run || is_over((*run)->phase) || (*run)->run != 0) return {};
  const std::string reason = fmt::format("run {} of the same trial did not judge", broken);
  event_of(other, "info", "run.phase", fmt::format("run {}: stopped: {}", other, reason));
  queue_changed_ = true;
  return store_.set_phase(other, RunPhase::kStopped, reason, 0);
}

/// Loss per query sample after adaptation, by device; those of which it is not known are left out.
Result<std::map<std::string, double>> FleetService::losses_of(std::uint32_t run) const {
  std::map<std::string, double> losses;
  const auto store = Store::open_to_read(run_folder(run) + "/store.db");
  if (!store) return losses;  // it never began
  const auto snapshot = store->load();
  if (!snapshot) return snapshot.error();
  if (snapshot->evaluations.empty()) return losses;
  for (const rounds::DeviceReport& report : snapshot->evaluations.back().reports) {
    if (report.device_index >= snapshot->roster.size() || report.sums.query_samples == 0) continue;
    losses[snapshot->roster[report.device_index]] =
        static_cast<double>(report.sums.loss_after) * kLossUnit / static_cast<double>(report.sums.query_samples);
  }
  return losses;
}

Result<void> FleetService::decide(TrialRow trial) {
  const auto now = losses_of(trial.new_run);
  const auto before = trial.old_run != 0 ? losses_of(trial.old_run) : Result<std::map<std::string, double>>({});
  if (!now || !before) return (now ? before : now).error();
  boost::json::object gains;
  double sum = 0;
  std::string worst;
  double worst_gain = 0;
  for (const auto& [id, loss] : *now) {
    const auto old = before->find(id);
    if (trial.old_run != 0 && old == before->end()) continue;
    const double gain = trial.old_run != 0 ? old->second - loss : 0;
    if (gains.empty() || gain < worst_gain) {
      worst = id;
      worst_gain = gain;
    }
    gains[id] = gain;
    sum += gain;
  }
  trial.gains = boost::json::serialize(gains);
  const double mean = gains.empty() ? 0 : sum / static_cast<double>(gains.size());
  trial.phase = TrialPhase::kHeldBack;
  if (gains.size() < trial.gate.least_devices) {
    trial.reason =
        fmt::format("{} devices judged both models, at least {} must", gains.size(), trial.gate.least_devices);
    const auto broken = broken_run(trial);
    if (!broken) return broken.error();
    if (*broken) {
      trial.reason +=
          fmt::format("; run {} is {}: {}", (*broken)->number, run_phase_text((*broken)->phase), (*broken)->reason);
    }
  } else if (trial.old_run != 0 && !(mean >= trial.gate.least_gain)) {
    trial.reason = fmt::format("mean gain {:.6f} of {} devices is below {:.6f}; the worst is {} with {:.6f}", mean,
                               gains.size(), trial.gate.least_gain, worst, worst_gain);
  } else {
    const auto audience = audience_of(trial);
    if (!audience) return audience.error();
    const auto released = released_to(*audience);
    if (!released) return released.error();
    const bool is_done = *released && (*released)->model == trial.model;  // it was killed before it had noted this
    const auto release = is_done ? Result<std::uint32_t>((*released)->number)
                                 : release_model(trial.model, *audience, fmt::format("trial {}", trial.number));
    if (!release && release.error().cause == Cause::kStore) return release.error();
    trial.reason =
        release ? fmt::format("mean gain {:.6f} of {} devices", mean, gains.size()) : release.error().message;
    if (release) {
      trial.phase = TrialPhase::kReleased;
      trial.release = *release;
    }
  }
  auto decided = store_.decide_trial(trial);
  if (!decided) return decided;
  event(trial.phase == TrialPhase::kReleased ? "info" : "warning", "trial.decided",
        fmt::format("trial {}: model {} is {}: {}", trial.number, trial.model, trial_phase_text(trial.phase),
                    trial.reason));
  return {};
}

}  // namespace skink::coordinator
