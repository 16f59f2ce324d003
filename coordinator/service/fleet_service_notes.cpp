/// @file
/// What a fleet service keeps and tells: results of runs, events, where it stands.

#include <fmt/format.h>

#include <algorithm>

#include "skink/coordinator/results/results.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/time_of_day.hpp"
#include "skink/rounds/round_history.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kFloodMs = 60000;  // how long the status says that somebody floods
constexpr std::size_t kNamedDevices = 5;
constexpr std::uint32_t kMostKnown = 1'000'000;
constexpr std::uint32_t kMostReleasesAhead = 100000;
constexpr std::size_t kRememberedRounds = 31;

/// "group 'hall', label 'floor=1'"; empty: every device.
std::string selection_text(const Selection& selection) {
  std::string text;
  const auto add = [&text](const char* what, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}{} '{}'", text.empty() ? "" : ", ", what, value);
  };
  add("group", selection.group);
  add("label", selection.label);
  add("firmware", selection.firmware);
  return text;
}

}  // namespace

Result<void> FleetService::write_results() {
  const ActiveRun& run = *loop_->run();
  const auto records = run.rounds();
  if (!records) return records.error();
  rounds::RoundHistory history(run.core().experiment().meta);
  for (const rounds::RoundRecord& record : *records) history.add(record);
  const RunState state = state_of(run.core());
  const double seconds = static_cast<double>(loop_->now_ms() - opened_ms_) / 1000;
  const Summary summary = summarize(state, history, "fleet", seconds);
  const std::string folder = run_folder(current_->number);
  auto text = write_file(folder + "/experiment.toml", to_toml(run.core().experiment()));
  if (!text) return text;
  return coordinator::write_results(folder, state, summary, history);
}

ServiceObserver FleetService::run_observer() {
  ServiceObserver observer;
  observer.on_round = [this](const Coordinator& core) {
    const std::uint64_t now = loop_->now_ms();
    durations_ms_.push_back(now - round_ms_);
    if (durations_ms_.size() > kRememberedRounds) durations_ms_.erase(durations_ms_.begin());
    counters_.rounds.add(static_cast<double>(now - round_ms_) / 1000);
    round_ms_ = now;
    RoundParticipants participants = participants_of(core, core.last_round_timing());
    participants.elapsed_ms = core.last_round_timing().duration_ms();
    ring_.add(std::move(participants));
    if (observer_.on_round && current_) observer_.on_round(*current_, core);
  };
  observer.on_overhead = [this](double seconds) { counters_.overheads.add(seconds); };
  observer.on_number = [this](std::uint64_t run) {
    if (!current_) return;
    event("warning", "run.renumbered",
          fmt::format("run {} goes on with {} as its number on the wire: devices have seen a later one, as after a "
                      "restored backup or a clock that was behind",
                      current_->number, run));
  };
  observer.on_update = [this](const TakenUpdate& update) {
    ++counters_.updates;
    has_answer_ = true;
    watch_.on_update(update);
  };
  observer.on_evaluation = [this](const rounds::EvaluationRecord& record) {
    round_ms_ = loop_->now_ms();
    has_answer_ = has_answer_ || record.total.query_samples > 0;
    for (const rounds::DeviceReport& report : record.reports) {
      watch_.on_report(loop_->devices().roster()[report.device_index], report.sums);
    }
    counters_.last_evaluation = record;
    counters_.last_evaluation->reports.clear();
    counters_.classifies = loop_->run() != nullptr && nn::has_labels(loop_->run()->core().experiment().model.loss);
    event(record.total.query_samples == 0 ? "warning" : "info", "run.evaluation",
          fmt::format("run {}, after {} rounds: loss {}", current_ ? current_->number : 0, record.rounds,
                      loss_text(record)));
    if (observer_.on_evaluation && current_) observer_.on_evaluation(*current_, record);
  };
  observer.on_event = [this](const TranscriptEvent& said) { note_event(said); };
  observer.on_devices = [this](const std::vector<DeviceRow>& rows) { note_devices(rows); };
  observer.is_release_chunk = [this](auto slot, auto chunk) { return releases_.publishes(slot, chunk); };
  observer.on_connected = [this] {
    releases_.publish_chunks();
    renewals_.publish();
  };
  observer.on_credentials = [this](const std::string& id, Bytes message) {
    const auto taken = renewals_.on_credentials(id, message, loop_->now_ms());
    if (!taken) event_of(0, "error", "device.renewal_failed", taken.error().message, id);
  };
  observer.on_log = [this](bool is_connected, const std::string& text) {
    if (!is_connected) ++counters_.connections_lost;
    event(is_connected ? "info" : "warning", is_connected ? "broker" : "broker.lost", text);
  };
  observer.on_contest = [this](const std::string& text) { event("warning", "lease.contested", text); };
  observer.on_revoked = [this](const std::string& text) { event("warning", "revocation.list", text); };
  return observer;
}

void FleetService::note_event(const TranscriptEvent& said) {
  switch (said.kind) {
    case EventKind::kReplaced:
    case EventKind::kDropped: ++counters_.replaced; break;
    case EventKind::kDiverged: ++counters_.diverged; break;
    case EventKind::kRefused: ++counters_.refused; break;
    case EventKind::kMissing: ++counters_.missing; break;
    case EventKind::kLateJoin:
    case EventKind::kForgot:
    case EventKind::kSamples: break;
  }
  const std::string device = said.detail.substr(0, said.detail.find(": "));
  const bool is_known = loop_->devices().find(device) != nullptr;
  if (is_known && said.reason == wire::Refusal::kLate) watch_.on_miss(device);
  if (is_known && said.reason != wire::Refusal::kNone) last_refusal_ = said.detail;
  const bool is_out = said.reason == wire::Refusal::kNone || said.reason == wire::Refusal::kRevoked;
  const bool is_away = said.kind == EventKind::kReplaced && is_out && is_known;
  if (is_away && !watch_.on_replaced(device)) return;
  event_of(
      current_ ? current_->number : 0, "warning", "run.transcript",
      fmt::format("run {}, round {}: {} ({}) {}{}", current_ ? current_->number : 0, said.round, event_text(said.kind),
                  wire::refusal_text(said.reason), said.detail, is_away ? "; said again when it has taken part" : ""),
      is_known ? device : "");
}

void FleetService::note_devices(const std::vector<DeviceRow>& rows) {
  devices_.insert(devices_.end(), rows.begin(), rows.end());
  for (const DeviceRow& row : rows) {
    descriptions_.try_emplace(row.id);
    if (!row.online) continue;
    releases_.consider(row);
    note_release(row);
    if (const auto text = watch_.on_battery(row.id, row.battery_percent)) {
      event_of(0, "warning", "device.battery_low", *text, row.id);
    }
  }
}

/// A device is not believed when it says that it keeps a release far above all that there were.
void FleetService::note_release(const DeviceRow& row) {
  const auto next = store_.next_release();
  if (!next || !row.takes_releases || row.release < *next || row.release - *next > kMostReleasesAhead) return;
  release_seen_ = std::max(release_seen_, row.release);
}

void FleetService::event(const char* level, const char* name, const std::string& text) {
  event_of(current_ ? current_->number : 0, level, name, text);
}

void FleetService::event_of(std::uint32_t run, const char* level, const char* name, const std::string& text,
                            const std::string& device) {
  tell(log_event({0, utc_now(), level, name, run, device, text}));
}

/// It stands in the log when notes are written next.
EventRow FleetService::log_event(EventRow row) {
  row.id = ++last_event_;
  events_.push_back(row);
  return row;
}

void FleetService::tell(const EventRow& row) const {
  if (observer_.on_event) observer_.on_event(row);
}

Result<void> FleetService::note_audit(const std::string& who, const char* action, const std::string& subject,
                                      const std::string& detail) {
  return store_.add_audit({0, utc_now(), who, action, subject, detail});
}

Result<void> FleetService::write_notes() {
  written_ms_ = loop_->now_ms();
  name_culprits();
  auto done = store_.note(devices_, events_);
  if (done) done = store_.note_conduct(watch_.take_changes());
  devices_.clear();
  events_.clear();
  return done && release_seen_ != 0 ? renew_releases() : done;
}

/// "48 of 50 devices are there: pump-07 and pump-31 are missing".
std::string FleetService::missing_devices() const {
  const std::size_t wanted = loop_->run() != nullptr ? loop_->run()->core().experiment().fleet.devices : 0;
  const DeviceBook& book = loop_->devices();
  std::vector<std::string> missing;
  const Selection selection = current_ ? current_->order.selection : Selection();
  const auto look = [&](const std::string& id) {
    const KnownDevice* known = book.find(id);
    if (book.is_revoked(id) || (known != nullptr && known->presence.online)) return;
    KnownDevice unseen;
    unseen.id = id;
    if (!selection.firmware.empty()) {
      const auto seen = store_.device(id);
      if (seen && *seen) unseen.firmware = (*seen)->row.firmware;
    }
    if (is_selected(selection, unseen)) missing.push_back(id);
  };
  if (!book.roster().empty()) {
    for (const std::string& id : book.roster()) look(id);
  } else {
    for (const auto& [id, said] : descriptions_) look(id);
  }
  const std::size_t there = book.selected_online();
  std::string text = fmt::format("{} of {} devices are there", there, wanted);
  if (there >= wanted) return text;
  if (book.online() > there) {
    const std::string of = selection_text(selection);
    text += fmt::format("; {} more are online, but excluded{}", book.online() - there,
                        of.empty() ? "" : ", or not of " + of);
  }
  for (std::size_t i = 0; i < std::min(missing.size(), kNamedDevices); ++i)
    text += (i == 0 ? "; missing: " : ", ") + missing[i];
  if (missing.size() > kNamedDevices) text += fmt::format(" and {} more", missing.size() - kNamedDevices);
  return text;
}

/// Devices that a run of this selection may take when they are there.
Result<std::size_t> FleetService::known_devices(const Selection& selection) const {
  const auto rows = store_.devices("", kMostKnown);
  if (!rows) return rows.error();
  return static_cast<std::size_t>(std::count_if(rows->begin(), rows->end(), [&](const FleetDevice& device) {
    KnownDevice known;
    known.id = device.row.id;
    known.firmware = device.row.firmware;
    return !loop_->devices().is_revoked(known.id) && is_selected(selection, known);
  }));
}

Result<std::vector<std::string>> FleetService::doubts_of(RunOrder order) const {
  const auto experiment = prepare(order);
  if (!experiment) return experiment.error();
  const auto doubt = [](std::size_t known, const Selection& selection, const char* who, std::size_t needed) {
    const std::string of = selection_text(selection);
    return fmt::format("{} devices{} are known so far, and {} needs {}", known, of.empty() ? "" : " of " + of, who,
                       needed);
  };
  std::vector<std::string> doubts;
  const auto known = known_devices(order.selection);
  if (!known) return known.error();
  if (*known < experiment->fleet.devices) {
    doubts.push_back(doubt(*known, order.selection, "each run", experiment->fleet.devices) +
                     (order.wait_s == 0 ? ": until more come, a run waits for ever"
                                        : fmt::format(": until more come, a run fails after {} s", order.wait_s)));
  }
  if (order.release != ReleasePolicy::kGated) return doubts;
  const Selection canaries{order.gate_group, "", ""};
  const auto judges = known_devices(canaries);
  if (!judges) return judges.error();
  const std::size_t needed = std::max(2U, order.gate.least_devices + 1);  // one is not asked
  if (*judges < needed) {
    doubts.push_back(doubt(*judges, canaries, "the gate", needed) + ": until more come, no model is released");
  }
  return doubts;
}

/// Who is missing, whom the open round waits for, and what was refused last.
std::string FleetService::why_stalled() const {
  std::string text = missing_devices();
  const Coordinator& core = loop_->run()->core();
  std::size_t waits = 0;
  if (core.round_timing().is_open()) {
    for (const ParticipantTiming& one : core.round_timing().participants()) {
      if (one.outcome != Participation::kOpen) continue;
      if (++waits <= kNamedDevices) text += (waits == 1 ? "; it waits for " : ", ") + core.roster()[one.device_index];
    }
  }
  if (waits > kNamedDevices) text += fmt::format(" and {} more", waits - kNamedDevices);
  return last_refusal_.empty() ? text : text + "; refused last: " + last_refusal_;
}

ServiceState FleetService::state() const {
  ServiceState state;
  state.connected = loop_->is_connected();
  state.devices_online = loop_->devices().online();
  state.devices_unconfirmed = loop_->devices().unconfirmed();
  if (current_) {
    state.run = current_->number;
    state.run_phase = run_phase_text(current_->phase);
    state.rounds = current_->rounds;
    state.rounds_done = current_->rounds_done;
  }
  if (const ActiveRun* run = loop_->run()) {
    state.rounds_done = run->core().rounds_done();
    state.since_round_ms = loop_->now_ms() - round_ms_;
  }
  if (!state.connected) {
    state.phase = loop_->stands_by() ? ServicePhase::kStandby : ServicePhase::kBrokerLost;
    state.reason = loop_->trouble().empty() ? "connecting to the broker" : loop_->trouble();
  } else if (!current_) {
    state.phase = ServicePhase::kIdle;
  } else if (current_->phase == RunPhase::kPaused) {
    state.phase = ServicePhase::kPaused;
    state.reason = current_->reason;
  } else if (current_->phase == RunPhase::kWaiting) {
    state.phase = ServicePhase::kWaiting;
    state.reason = missing_devices();
  } else {
    state.phase = is_stalled_ ? ServicePhase::kStalled : ServicePhase::kRunning;
    if (is_stalled_) state.reason = why_stalled();
  }
  const bool is_flooded = !flood_.empty() && loop_->now_ms() - flood_ms_ < kFloodMs;
  if (is_flooded) state.reason += (state.reason.empty() ? "" : "; ") + flood_;
  return state;
}

}  // namespace skink::coordinator
