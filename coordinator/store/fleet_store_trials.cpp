/// @file
/// Trials of a fleet's store.

#include <array>

#include "database.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/host/program/time_of_day.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::Statement;

constexpr std::array<const char*, 3> kPhases{"judging", "released", "held back"};

}  // namespace

const char* trial_phase_text(TrialPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

Result<std::uint32_t> FleetStore::add_trial(const TrialRow& trial) {
  Statement insert(database_->get(),
                   "INSERT INTO trials(model, old_model, device_group, least_gain, least_devices, wait_s, old_run, "
                   "new_run, created) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number");
  const std::string now = utc_now();
  insert.bind(trial.model).bind(trial.old_model).bind(std::string_view(trial.group)).bind(trial.gate.least_gain);
  insert.bind(trial.gate.least_devices).bind(trial.gate.wait_s).bind(trial.old_run).bind(trial.new_run);
  if (!insert.bind(std::string_view(now)).next()) return database_->failure("the trial cannot be written");
  const std::uint32_t number = insert.count(0);
  if (insert.next() || !insert.ok()) return database_->failure("the trial cannot be written");
  return number;
}

Result<void> FleetStore::decide_trial(const TrialRow& trial) {
  Statement set(database_->get(),
                "UPDATE trials SET phase = ?, reason = ?, gains = ?, release = ?, decided = ? WHERE number = ?");
  const std::string now = utc_now();
  set.bind(std::string_view(trial_phase_text(trial.phase))).bind(std::string_view(trial.reason));
  set.bind(std::string_view(trial.gains)).bind(trial.release).bind(std::string_view(now));
  if (!set.bind(trial.number).run()) return database_->failure("the trial cannot be written");
  return {};
}

Result<std::vector<TrialRow>> FleetStore::trials(const Page& page) const {
  Statement row(database_->get(),
                "SELECT number, model, old_model, device_group, least_gain, least_devices, wait_s, old_run, new_run, "
                "phase, reason, gains, release, created, decided FROM trials WHERE number > ? ORDER BY number LIMIT ?");
  row.bind(page.after).bind(page.limit);
  std::vector<TrialRow> trials;
  while (row.next()) {
    TrialRow trial;
    trial.number = row.count(0);
    trial.model = row.count(1);
    trial.old_model = row.count(2);
    trial.group = row.text(3);
    trial.gate = {row.real(4), row.count(5), row.count(6)};
    trial.old_run = row.count(7);
    trial.new_run = row.count(8);
    std::size_t phase = 0;
    while (phase < kPhases.size() && row.text(9) != kPhases[phase]) ++phase;
    if (phase == kPhases.size()) return database_->damage("a trial has the phase '" + row.text(9) + "'");
    trial.phase = static_cast<TrialPhase>(phase);
    trial.reason = row.text(10);
    trial.gains = row.text(11);
    trial.release = row.count(12);
    trial.created = row.text(13);
    trial.decided = row.text(14);
    trials.push_back(std::move(trial));
  }
  if (!row.ok()) return database_->failure("the trials cannot be read");
  if (!row.in_range()) return database_->damage("a number of the trials is out of range");
  return trials;
}

}  // namespace skink::coordinator
