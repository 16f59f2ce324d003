#include "one_run.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "program_log.hpp"
#include "skink/coordinator/results/claim.hpp"
#include "skink/coordinator/results/results.hpp"
#include "skink/coordinator/results/verdict.hpp"
#include "skink/coordinator/service/service.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/files/line_file.hpp"

namespace skink::gateway {
namespace {

/// At most one line a second, and one for the last round.
class RoundLog {
 public:
  void show(const coordinator::Coordinator& core) {
    const auto now = std::chrono::steady_clock::now();
    const std::uint32_t total = core.experiment().meta.rounds;
    if (now - shown_ < std::chrono::seconds(1) && core.rounds_done() != total) return;
    shown_ = now;
    say(LogLevel::kInfo, "run.round",
        fmt::format("round {}/{}: {} device-rounds, {:.1f} MB up, {:.1f} MB down", core.rounds_done(), total,
                    core.traffic().device_rounds, static_cast<double>(core.traffic().uplink_bytes) / 1e6,
                    static_cast<double>(core.traffic().downlink_bytes) / 1e6),
        core.run());
  }

 private:
  std::chrono::steady_clock::time_point shown_;
};

/// All rounds of the run, from the store.
Result<rounds::RoundHistory> history_of(const coordinator::Service& service) {
  const auto rounds = service.rounds();
  if (!rounds) return rounds.error();
  rounds::RoundHistory history(service.core().experiment().meta);
  for (const rounds::RoundRecord& record : *rounds) history.add(record);
  return history;
}

/// The end of a run's log. @returns the exit code.
int conclude(const coordinator::Summary& summary, const Experiment& experiment) {
  std::printf("%s", coordinator::to_table(summary).c_str());
  const coordinator::Verdict verdict = coordinator::verdict_of(summary, experiment, {});
  if (!verdict.has_learned) return fail(ExitCode::kNothingLearned, verdict.text);
  if (!verdict.text.empty()) say(LogLevel::kWarning, "run.verdict", verdict.text);
  return static_cast<int>(ExitCode::kOk);
}

/// What may be wrong, from what came.
std::string waiting_hint(const coordinator::Coordinator& core) {
  const auto refused = [&core](wire::Refusal reason) { return core.refused()[static_cast<std::size_t>(reason)]; };
  std::string hint;
  if (core.devices_unconfirmed() > 0) {
    hint += fmt::format("; {} were announced and do not answer: gone, or what the broker remembers of them",
                        core.devices_unconfirmed());
  }
  if (refused(wire::Refusal::kWrongAuthentication) > 0) {
    hint += fmt::format("; {} messages had a wrong code: another master key, or another fleet name?",
                        refused(wire::Refusal::kWrongAuthentication));
  }
  if (refused(wire::Refusal::kVersionMismatch) > 0) {
    hint += fmt::format("; {} births of other versions", refused(wire::Refusal::kVersionMismatch));
  }
  if (core.devices_online() == 0 && hint.empty()) {
    hint = "; none has announced itself: are they on, and do they name this broker and this fleet?";
  }
  return hint;
}

coordinator::ServiceObserver log_observer(RoundLog& rounds, std::uint64_t run, bool classifies) {
  coordinator::ServiceObserver observer;
  observer.on_round = [&rounds](const coordinator::Coordinator& core) { rounds.show(core); };
  observer.on_evaluation = [run, classifies](const rounds::EvaluationRecord& record) {
    if (record.total.query_samples == 0) {
      say(LogLevel::kWarning, "run.evaluation", coordinator::loss_text(record), run);
      return;
    }
    std::string text = fmt::format("after {} rounds, {} unseen tasks: loss {}", record.rounds, record.total.tasks,
                                   coordinator::loss_text(record));
    if (classifies) text += "; accuracy " + coordinator::accuracy_text(record);
    say(LogLevel::kInfo, "run.evaluation", text, run);
  };
  observer.on_event = [run](const coordinator::TranscriptEvent& event) {
    say(LogLevel::kWarning, "run.transcript",
        fmt::format("round {}: {} ({}) {}", event.round, coordinator::event_text(event.kind),
                    wire::refusal_text(event.reason), event.detail),
        run);
  };
  observer.on_waiting = [run, filter = RepeatFilter()](const coordinator::Coordinator& core) mutable {
    const std::string text = core.is_connected()
                                 ? fmt::format("waiting for the fleet: {} of {} devices{}", core.devices_online(),
                                               core.experiment().fleet.devices, waiting_hint(core))
                                 : "waiting for the broker";
    if (filter.is_due(text)) say(LogLevel::kInfo, "run.waiting", text, run);
  };
  observer.on_log = [run, filter = RepeatFilter()](bool is_connected, const std::string& text) mutable {
    if (!filter.is_due(text)) return;
    say(is_connected ? LogLevel::kInfo : LogLevel::kWarning, is_connected ? "broker" : "broker.lost", text, run);
  };
  observer.on_contest = [run](const std::string& text) { say(LogLevel::kWarning, "lease.contested", text, run); };
  observer.on_revoked = [run](const std::string& text) { say(LogLevel::kWarning, "revocation.list", text, run); };
  return observer;
}

/// @param[in] folder  empty: none, and nothing is locked
Result<FolderLock> lock_folder(const std::string& folder) {
  if (folder.empty()) return FolderLock();
  const auto made = make_folder(folder);
  if (!made) return made.error();
  return FolderLock::take(folder, "another program writes here; wait for it or name another [coordinator] out");
}

void say_begin(const coordinator::Service& service) {
  const coordinator::Coordinator& core = service.core();
  say(LogLevel::kInfo, service.resumed() ? "run.resumed" : "run.begun",
      fmt::format("run {} of '{}': {} rounds{}", core.run(), core.experiment().name, core.experiment().meta.rounds,
                  service.resumed() ? ", continued after round " + std::to_string(core.rounds_done()) : ""),
      core.run());
}

}  // namespace

int lead_run(const coordinator::Settings& settings, const std::vector<Override>& overrides, const std::string& updates,
             const std::atomic<bool>& stopped) {
  std::optional<LineFile> log;
  if (!updates.empty()) {
    auto opened = LineFile::open(updates, coordinator::kUpdatesHeading, LineFile::Existing::kContinue);
    if (!opened) return fail(ExitCode::kStore, opened.error().message);
    log.emplace(std::move(*opened));
  }
  const auto out = lock_folder(settings.out);
  if (!out) return fail(out.error(), ExitCode::kStore);
  auto service = coordinator::Service::create(settings, overrides);
  if (!service) {
    return fail(service.error(), ExitCode::kConfiguration);
  }
  coordinator::Service& running = **service;
  if (!settings.out.empty()) {
    const auto claimed = coordinator::claim_folder(
        settings.out, {running.core().experiment(), "", coordinator::Found::kKeep, "name another [coordinator] out"});
    if (!claimed) return fail(claimed.error(), ExitCode::kStore);
  }
  const std::uint64_t number = running.core().run();
  say_begin(running);
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t device_rounds_before = running.core().traffic().device_rounds;
  RoundLog rounds;
  const bool classifies = nn::has_labels(running.core().experiment().model.loss);
  coordinator::ServiceObserver observer = log_observer(rounds, number, classifies);
  if (log)
    observer.on_update = [&log](const coordinator::TakenUpdate& update) {
      log->add(coordinator::updates_line(update));
    };
  const coordinator::ServiceEnd end = running.run(observer, [&stopped] { return stopped.load(); });
  if (end == coordinator::ServiceEnd::kStoreFailed) return fail(ExitCode::kStore, running.failure());
  if (end == coordinator::ServiceEnd::kCredentialsRefused) return fail(ExitCode::kCredentials, running.failure());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto history = history_of(running);
  if (!history) return fail(ExitCode::kStore, history.error().message);
  const coordinator::RunState state = coordinator::state_of(running.core());
  coordinator::Summary summary = coordinator::summarize(state, *history, "fleet", seconds);
  summary.device_rounds_before = device_rounds_before;
  const auto written =
      settings.out.empty() ? Result<void>() : coordinator::write_results(settings.out, state, summary, *history);
  if (!written) {
    return fail(ExitCode::kStore,
                written.error().message + "; start again once that is fixed: the run is in the store");
  }
  const auto logged = log ? log->written() : Result<void>();
  if (!logged)
    return fail(ExitCode::kStore, logged.error().message + "; skink-sim replay --updates writes what is missing");
  if (end == coordinator::ServiceEnd::kStopped) {
    say(LogLevel::kInfo, "run.stopped",
        fmt::format("stopped after round {}; start again to go on", running.core().rounds_done()), number);
    return static_cast<int>(ExitCode::kOk);
  }
  return conclude(summary, running.core().experiment());
}

}  // namespace skink::gateway
