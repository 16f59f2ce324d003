#include "skink/coordinator/service/fleet_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kWriteMs = 1000;  // what people want to know may be so old

constexpr std::array<const char*, 7> kServicePhases{"idle",    "broker lost", "standby", "waiting",
                                                    "running", "stalled",     "paused"};

/// Will a device that refuses for this reason refuse the same run's next round?
bool is_for_good(wire::Refusal reason) {
  return reason == wire::Refusal::kUnknownCodec || reason == wire::Refusal::kUnusableModel ||
         reason == wire::Refusal::kDoesNotFit;
}

}  // namespace

const char* service_phase_text(ServicePhase phase) { return kServicePhases[static_cast<std::size_t>(phase)]; }

Result<std::unique_ptr<FleetService>> FleetService::create(const Settings& settings) {
  if (settings.state.empty()) {
    return make_error(Status::kInvalidArgument, "[coordinator] state: name the service's folder",
                      Cause::kConfiguration);
  }
  auto store = FleetStore::open(settings.state + "/fleet.db", settings.fleet);
  if (!store) return because(store.error(), Cause::kStore);
  auto loop = FleetLoop::create(settings);
  if (!loop) return loop.error();
  if (!settings.release_pki.empty()) {
    const auto key = provisioning::ensure_release_key(settings.release_pki);
    if (!key) return because(key.error(), Cause::kCredentials);
  }
  std::unique_ptr<FleetService> service(new FleetService(settings, std::move(*store), std::move(*loop)));
  const auto begun = service->begin();
  if (!begun) return because(begun.error(), Cause::kStore);
  return service;
}

FleetService::FleetService(const Settings& settings, FleetStore store, std::unique_ptr<FleetLoop> loop)
    : settings_(settings),
      store_(std::move(store)),
      loop_(std::move(loop)),
      releases_(
          store_, loop_->devices(), loop_->broker(), settings_.model_chunk_bytes,
          [this](const std::string& id) { return group_of(id); },
          [this](std::uint32_t model) { return patches_to(model); }),
      renewals_(settings_, store_, loop_->devices(), loop_->broker(),
                [this](const char* level, const char* name, const std::string& text, const std::string& id) {
                  event_of(current_ ? current_->number : 0, level, name, text, id);
                }) {}

Result<void> FleetService::begin() {
  const auto last = store_.last_event();
  if (!last) return last.error();
  last_event_ = *last;
  auto done = store_.forget_presence();
  if (done) done = read_devices();
  if (done) done = releases_.read();
  if (done) done = renewals_.read();
  if (done) done = read_schedules();
  if (done) done = decide_trials();
  return done;
}

std::string FleetService::run_folder(std::uint32_t number) const {
  return settings_.state + "/runs/" + std::to_string(number);
}

// ---- leading --------------------------------------------------------------------------------------------------------

ServiceEnd FleetService::run(const FleetObserver& observer, const std::function<bool()>& stop) {
  observer_ = observer;
  run_observer_ = run_observer();
  const auto connected = loop_->connect(Refusal::kIsTriedAgain);
  if (!connected) {
    failure_ = connected.error().message;
    return ServiceEnd::kCredentialsRefused;
  }
  event("info", "service.started", "the service has started");
  ServiceEnd end = ServiceEnd::kStopped;
  while (end == ServiceEnd::kStopped && !stop()) {
    do_posted();
    const Turn turn = loop_->turn(run_observer_);
    if (turn == Turn::kCredentialsRefused) end = ServiceEnd::kCredentialsRefused;
    if (turn == Turn::kStoreFailed) end = ServiceEnd::kStoreFailed;
    if (turn != Turn::kDone) failure_ = loop_->failure();
    auto done = turn == Turn::kDone ? manage() : Result<void>();
    if (done && loop_->is_connected()) done = renewals_.on_time(loop_->now_ms());
    if (done && loop_->now_ms() - written_ms_ >= kWriteMs) {
      done = write_notes();
      if (done) done = run_schedules();
    }
    if (!done) {
      failure_ = done.error().message;
      end = ServiceEnd::kStoreFailed;
    }
  }
  loop_->withdraw(run_observer_);
  loop_->leave();
  event("info", "service.stopped", end == ServiceEnd::kStopped ? "the service was stopped" : failure_);
  (void)write_notes();  // of a store that failed nothing better is to be had
  return end;
}

void FleetService::post(std::function<void(FleetService&)> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
  }
  loop_->broker().interrupt();
}

void FleetService::do_posted() {
  std::vector<std::function<void(FleetService&)>> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work(*this);
}

/// Opens the next run when none is open, and looks after the one that is.
Result<void> FleetService::manage() {
  if (loop_->run() != nullptr) return watch_run();
  if (!queue_changed_) return {};
  return open_next();
}

Result<void> FleetService::open_next() {
  queue_changed_ = false;
  auto next = store_.current_run();
  if (!next) return next.error();
  current_ = std::move(*next);
  if (!current_ || current_->phase == RunPhase::kPaused) return {};
  return open_run(*current_);
}

Result<void> FleetService::open_run(const RunRow& row) {
  const std::uint64_t now_ms = unix_time_ms();  // a clock may be behind: devices remember what they have seen
  const std::uint64_t seen = loop_->devices().last_task(now_ms + Coordinator::kMostAhead).run;
  const auto number = store_.begin_run(row.number, std::max(now_ms, seen + 1));
  if (!number) return number.error();
  RunSource source;
  source.store = run_folder(row.number) + "/store.db";
  source.text = row.order.experiment_text;
  source.text_name = "experiment of run " + std::to_string(row.number);
  source.overrides = row.order.overrides;
  source.run = *number;
  source.evaluates_only = row.order.kind == RunKind::kEvaluate;
  source.checkpoint_rounds =
      row.order.checkpoint_rounds != 0 ? row.order.checkpoint_rounds : settings_.checkpoint_rounds;
  if (row.order.init_model != 0) {
    auto file = store_.model_file(row.order.init_model);
    if (!file) return file.error();
    source.initial_model = std::move(*file);
  }
  auto run = ActiveRun::open(source, loop_->run_host());
  if (!run) {
    const bool may_pass =
        run.error().cause == Cause::kStore && run.error().code == make_error_code(Status::kUnavailable);
    return may_pass ? Result<void>(run.error()) : fail_run(row, run.error().message);
  }
  const Selection selection = row.order.selection;
  loop_->devices().select([this, selection](const KnownDevice& device) { return is_selected(selection, device); });
  opened_ms_ = waits_since_ms_ = round_ms_ = loop_->now_ms();
  durations_ms_.clear();
  is_stalled_ = false;
  has_answer_ = (*run)->core().rounds_done() > 0;
  last_refusal_.clear();
  watch_.begin_run();
  const bool resumed = (*run)->resumed();
  loop_->begin(std::move(*run), run_observer_);
  const bool waits = loop_->run()->core().phase() == Phase::kWaitingForFleet;
  event("info", resumed ? "run.resumed" : "run.begun",
        fmt::format("run {} of '{}': {} rounds{}", row.number, row.order.name, row.rounds,
                    resumed ? fmt::format(", continued after round {}", loop_->run()->core().rounds_done()) : ""));
  return set_phase(waits ? RunPhase::kWaiting : RunPhase::kRunning, "");
}

/// It cannot be opened: whatever is wrong with it, the runs behind it go on.
Result<void> FleetService::fail_run(const RunRow& row, const std::string& reason) {
  const EventRow said = log_event(
      {0, utc_now(), "error", "run.failed", row.number, "", fmt::format("run {} failed: {}", row.number, reason)});
  auto set = write_notes();
  if (set) set = store_.set_phase(row.number, RunPhase::kFailed, reason, row.rounds_done);
  if (!set) return set;
  tell(said);
  current_.reset();
  queue_changed_ = true;
  return decide_trials();
}

Result<void> FleetService::watch_run() {
  const Coordinator& core = loop_->run()->core();
  if (core.run() != current_->run) {
    auto set = store_.renumber_run(current_->number, core.run());
    if (!set) return set;
    current_->run = core.run();
  }
  switch (core.phase()) {
    case Phase::kFinished:
      if (!loop_->is_over(run_observer_)) return {};
      return conclude(RunPhase::kFinished, "");
    case Phase::kWaitingForFleet: {
      if (loop_->stands_by()) waits_since_ms_ = loop_->now_ms();  // it may not ask for them
      const std::uint64_t waited_ms = loop_->now_ms() - waits_since_ms_;
      const std::uint32_t limit_s = current_->order.wait_s;
      if (limit_s == 0 || waited_ms < std::uint64_t{limit_s} * 1000) return {};
      return conclude(RunPhase::kFailed, fmt::format("waited {} s for its devices: {}", limit_s,
                                                     loop_->is_connected() ? missing_devices() : loop_->trouble()));
    }
    case Phase::kEvaluating:
    case Phase::kTraining: break;
  }
  if (current_->phase != RunPhase::kRunning) {
    round_ms_ = loop_->now_ms();  // it has waited for devices until now
    auto set = set_phase(RunPhase::kRunning, "");
    if (!set) return set;
  }
  const bool is_stalled = loop_->is_connected() && loop_->now_ms() - round_ms_ > patience_ms();
  if (is_stalled && nobody_can()) {
    return conclude(RunPhase::kFailed,
                    fmt::format("no device can do what it asks for; the last one said: {}", last_refusal_));
  }
  if (is_stalled && !is_stalled_) {
    event("warning", "run.stalled",
          fmt::format("run {}: no round or evaluation was finished for {} s; {}", current_->number,
                      (loop_->now_ms() - round_ms_) / 1000, why_stalled()));
  }
  is_stalled_ = is_stalled;
  return {};
}

/// Have all devices refused that could be asked, and none ever answered? They would refuse the next round as well.
bool FleetService::nobody_can() const {
  if (has_answer_) return false;
  const DeviceBook& book = loop_->devices();
  std::uint32_t unfit = 0;
  for (const std::string& id : book.roster()) {
    const KnownDevice* device = book.find(id);
    unfit += static_cast<std::uint32_t>(device != nullptr && is_for_good(device->refused));
  }
  const auto& fleet = loop_->run()->core().experiment().fleet;
  const bool evaluates = current_->order.kind == RunKind::kEvaluate;
  return unfit != 0 && unfit >= (evaluates ? fleet.held_out : fleet.devices - fleet.held_out);
}

/// Three times the median of its last rounds; and no less than a deadline, within which a device may be replaced.
std::uint64_t FleetService::patience_ms() const {
  const std::uint64_t deadline_ms = loop_->run()->core().experiment().fleet.deadline_ms;
  std::vector<std::uint64_t> sorted = durations_ms_;
  std::sort(sorted.begin(), sorted.end());
  const std::uint64_t median_ms = sorted.empty() ? 0 : sorted[sorted.size() / 2];
  return std::max(3 * median_ms, 2 * deadline_ms);
}

Result<void> FleetService::set_phase(RunPhase phase, const std::string& reason) {
  const std::uint32_t done = loop_->run() != nullptr ? loop_->run()->core().rounds_done() : current_->rounds_done;
  if (current_->phase == phase && current_->reason == reason) return {};
  const EventRow row = log_event(
      {0, utc_now(), phase == RunPhase::kFailed ? "error" : "info", "run.phase", current_->number, "",
       fmt::format("run {}: {}{}", current_->number, run_phase_text(phase), reason.empty() ? "" : ": " + reason)});
  auto set = is_over(phase) ? write_notes() : Result<void>();  // who waits for the end finds it in the log
  if (set) set = store_.set_phase(current_->number, phase, reason, done);
  if (!set) return set;
  current_->phase = phase;
  current_->reason = reason;
  current_->rounds_done = done;
  tell(row);  // who hears it finds the run in this phase
  return {};
}

/// The open run is over for good. Its results and its model are kept first: whoever is killed in between does it again.
Result<void> FleetService::conclude(RunPhase phase, const std::string& reason) {
  if (loop_->run()->core().phase() != Phase::kFinished) loop_->withdraw(run_observer_);
  const Coordinator& core = loop_->run()->core();
  auto done = write_results();
  if (done && core.rounds_done() > 0) {
    const auto model = keep_model(core);
    done = model ? Result<void>() : Result<void>(model.error());
    const bool is_finished = phase == RunPhase::kFinished;
    const ReleasePolicy release = current_->order.release;
    if (done && is_finished && release == ReleasePolicy::kAuto) done = release_automatically(*model);
    if (done && is_finished && release == ReleasePolicy::kGated) done = gate_model(*model);
  }
  if (done) done = set_phase(phase, reason);
  if (!done) return done;
  (void)loop_->end();
  loop_->devices().select({});
  current_.reset();
  queue_changed_ = true;
  return decide_trials();
}

}  // namespace skink::coordinator
