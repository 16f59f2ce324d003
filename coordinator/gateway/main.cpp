/// @file
/// skink-coordinator: leads a fleet through a run. The work is in the service; here are command line, log and exit
/// code.

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>

#include "skink/common/limits.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/doctor/doctor.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/coordinator/results/claim.hpp"
#include "skink/coordinator/results/results.hpp"
#include "skink/coordinator/results/verdict.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/coordinator/service/service.hpp"
#include "skink/host/experiment/model_match.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/files/line_file.hpp"
#include "skink/host/program/command_line.hpp"
#include "skink/host/program/exit_codes.hpp"
#include "skink/host/program/float_environment.hpp"
#include "skink/host/program/printable.hpp"
#include "skink/host/program/service_manager.hpp"
#include "standing.hpp"

namespace {

using namespace skink;
namespace http = coordinator::http;

std::atomic<bool> stopped{false};
std::atomic<bool> reloads{false};

void stop(int /*signal*/) { stopped = true; }
void reload(int /*signal*/) { reloads = true; }

int fail(ExitCode code, const std::string& message) {
  spdlog::error("{}", printable(message));
  return static_cast<int>(code);
}

int fail(const Error& error, ExitCode otherwise) { return fail(exit_code_of(error, otherwise), error.message); }

/// At most one line a second, and one for the last round.
class RoundLog {
 public:
  void show(const coordinator::Coordinator& core) {
    const auto now = std::chrono::steady_clock::now();
    const std::uint32_t total = core.experiment().meta.rounds;
    if (now - shown_ < std::chrono::seconds(1) && core.rounds_done() != total) return;
    shown_ = now;
    spdlog::info("round {}/{}: {} device-rounds, {:.1f} MB up, {:.1f} MB down", core.rounds_done(), total,
                 core.traffic().device_rounds, static_cast<double>(core.traffic().uplink_bytes) / 1e6,
                 static_cast<double>(core.traffic().downlink_bytes) / 1e6);
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
  if (!verdict.text.empty()) spdlog::warn("{}", verdict.text);
  return static_cast<int>(ExitCode::kOk);
}

/// Lets a line through when it is new, or was not said for a minute: a wait is said once, and then that it goes on.
class RepeatFilter {
 public:
  bool is_new(const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    if (text == last_ && now - said_ < std::chrono::minutes(1)) return false;
    last_ = text;
    said_ = now;
    return true;
  }

 private:
  std::string last_;
  std::chrono::steady_clock::time_point said_;
};

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

coordinator::ServiceObserver log_observer(RoundLog& rounds, bool classifies) {
  coordinator::ServiceObserver observer;
  observer.on_round = [&rounds](const coordinator::Coordinator& core) { rounds.show(core); };
  observer.on_evaluation = [classifies](const rounds::EvaluationRecord& record) {
    if (record.total.query_samples == 0) {
      spdlog::warn("{}", coordinator::loss_text(record));
      return;
    }
    spdlog::info("after {} rounds, {} unseen tasks: loss {}", record.rounds, record.total.tasks,
                 coordinator::loss_text(record));
    if (classifies) spdlog::info("    accuracy {}", coordinator::accuracy_text(record));
  };
  observer.on_event = [](const coordinator::TranscriptEvent& event) {
    spdlog::warn("round {}: {} ({}) {}", event.round, coordinator::event_text(event.kind),
                 wire::refusal_text(event.reason), printable(event.detail));
  };
  observer.on_waiting = [filter = RepeatFilter()](const coordinator::Coordinator& core) mutable {
    const std::string text = core.is_connected()
                                 ? fmt::format("waiting for the fleet: {} of {} devices{}", core.devices_online(),
                                               core.experiment().fleet.devices, waiting_hint(core))
                                 : "waiting for the broker";
    if (filter.is_new(text)) spdlog::info("{}", text);
  };
  observer.on_log = [filter = RepeatFilter()](const std::string& text) mutable {
    if (filter.is_new(text)) spdlog::info("{}", printable(text));
  };
  return observer;
}

/// @param[in] folder  empty: none, and nothing is locked
Result<FolderLock> lock_folder(const std::string& folder) {
  if (folder.empty()) return FolderLock();
  const auto made = make_folder(folder);
  if (!made) return made.error();
  return FolderLock::take(folder, "another program writes here; wait for it or name another [coordinator] out");
}

int run(const coordinator::Settings& settings, const std::vector<Override>& overrides, const std::string& updates) {
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
  spdlog::info("run {} of '{}': {} rounds{}", running.core().run(), running.core().experiment().name,
               running.core().experiment().meta.rounds,
               running.resumed() ? ", continued after round " + std::to_string(running.core().rounds_done()) : "");
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t device_rounds_before = running.core().traffic().device_rounds;
  RoundLog rounds;
  const bool classifies = running.core().experiment().model.loss == nn::Loss::kSoftmaxCrossEntropy;
  coordinator::ServiceObserver observer = log_observer(rounds, classifies);
  if (log)
    observer.on_update = [&log](const coordinator::TakenUpdate& update) {
      log->add(coordinator::updates_line(update));
    };
  const coordinator::ServiceEnd end = running.run(observer, [] { return stopped.load(); });
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
    spdlog::info("stopped after round {}; start again to go on", running.core().rounds_done());
    return static_cast<int>(ExitCode::kOk);
  }
  return conclude(summary, running.core().experiment());
}

/// The experiment of a run, as far as it can be checked before its devices are there.
Result<void> check_experiment(const std::string& path, const std::vector<Override>& overrides) {
  const auto read = read_experiment(path, overrides);
  if (!read) return read.error();
  const auto experiment = resolve(*read, nullptr);
  if (!experiment) return experiment.error();
  return check_runs_in_fleets(*experiment);
}

/// Keys, certificates and lists that the settings name.
Result<void> check_credentials(const coordinator::Settings& settings) {
  const auto key = read_key(settings.master_key);
  if (!key) return key.error();
  if (!settings.revoked.empty()) {
    const auto revoked = provisioning::read_revoked_list(settings.revoked);
    if (!revoked) return revoked.error();
  }
  mqtt::SessionOptions session;
  session.ca_file = settings.ca;
  session.certificate_file = settings.certificate;
  session.key_file = settings.key;
  const auto readable = mqtt::check_credentials(session);
  return readable ? doctor::refuse_errors(doctor::check_certificates(settings)) : readable;
}

/// Where the interface listens, from the settings. On loopback TLS is a choice, elsewhere it is a must.
http::ServerOptions server_options(const coordinator::Settings& settings) {
  http::ServerOptions options;
  options.unix_socket = settings.http_socket;
  const bool has_tls = !settings.http_certificate.empty();
  if (has_tls) options.tls = http::TlsFiles{settings.http_certificate, settings.http_key};
  for (const NetworkAddress& listen : settings.http_listen) {
    options.tcp.push_back({listen.host, listen.port, has_tls ? http::Transport::kTls : http::Transport::kPlain});
  }
  options.on_fault = [](const std::string& what) { spdlog::error("http: {}", printable(what)); };
  return options;
}

void log_event(const coordinator::EventRow& event) {
  const auto level = event.level == "error"     ? spdlog::level::err
                     : event.level == "warning" ? spdlog::level::warn
                                                : spdlog::level::info;
  spdlog::log(level, "{}: {}", event.event, printable(event.text));
}

/// On SIGHUP. The list of revoked devices is read every second anyway.
void reload_certificate(http::Server& server, bool has_tls) {
  const auto reloaded = has_tls ? server.reload_certificate() : Result<void>();
  if (reloaded)
    spdlog::info("service.reloaded: {}", has_tls ? "the certificate was read again" : "nothing to read again");
  if (!reloaded)
    spdlog::error("service.reloaded: {}; the old certificate stays in use", printable(reloaded.error().message));
}

/// `skink-coordinator`: leads until it is told to stop.
int serve(const coordinator::Settings& settings) {
  auto service = coordinator::FleetService::create(settings);
  if (!service) return fail(service.error(), ExitCode::kConfiguration);
  auto api = coordinator::api::Api::create(**service, settings.state);
  if (!api) return fail(api.error(), ExitCode::kStore);
  http::ServerOptions options = server_options(settings);
  options.authentication = (*api)->authentication();
  auto server = http::Server::create(std::move(options), (*api)->router());
  if (!server) return fail(ExitCode::kConfiguration, "[http]: " + server.error().message);
  (*api)->watch_certificates(
      {{"authority", settings.ca}, {"broker-client", settings.certificate}, {"http", settings.http_certificate}});
  (*api)->set_statistics([running = server->get()] { return running->statistics(); });
  if (!settings.http_socket.empty()) spdlog::info("http: listens at {}", settings.http_socket);
  for (const http::TcpAddress& address : (*server)->tcp_addresses()) {
    spdlog::info("http: listens at {}, port {}", address.address, address.port);
  }
  const auto observer = (*api)->observer([filter = RepeatFilter()](const coordinator::EventRow& event) mutable {
    if (filter.is_new(event.event + event.text)) log_event(event);
  });
  ServiceManager manager([](const std::string& fault) { spdlog::warn("{}", fault); });
  const coordinator::ServiceEnd end = (*service)->run(observer, [&, has_tls = !settings.http_certificate.empty()] {
    if (reloads.exchange(false)) {
      manager.reloading();
      reload_certificate(**server, has_tls);
    }
    if (!stopped) manager.turn([&service] { return gateway::standing_text((*service)->state()); });
    if (stopped) manager.stopping();
    return stopped.load();
  });
  manager.stopping();
  (*server)->stop();
  if (end == coordinator::ServiceEnd::kStoreFailed) return fail(ExitCode::kStore, (*service)->failure());
  if (end == coordinator::ServiceEnd::kCredentialsRefused) return fail(ExitCode::kCredentials, (*service)->failure());
  return static_cast<int>(ExitCode::kOk);
}

struct Arguments {
  std::string config;
  bool check_only = false;
  // of one run
  std::vector<std::string> settings;
  std::string init;
  std::string updates;
  std::uint32_t rounds = 0;
};

void add_config(Command& command, Arguments& arguments) {
  command.option("--config", arguments.config, "Configuration file (docs/coordinator-config.md)");
  command.flag("--check-config", arguments.check_only, "Checks configuration, keys and certificates, then exits");
}

void add_run(Command& command, Arguments& arguments) {
  add_config(command, arguments);
  command.option("--set", arguments.settings, "Replaces one key of the experiment: --set meta.rounds=100");
  command.option("--rounds", arguments.rounds, "As --set meta.rounds=N: a shorter run, or a longer one")
      .range(1U, limits::kMaxRounds);
  command.option("--init", arguments.init, "Begin with this model file; as --set init=<its hash>");
  command.option("--updates", arguments.updates,
                 "Adds a line with the SHA-256 of every update that is taken to this file");
}

/// What the command line replaces in the experiment.
Result<std::vector<Override>> overrides_of(const Arguments& arguments) {
  auto overrides = parse_overrides(arguments.settings);
  if (!overrides) return because(overrides.error(), Cause::kUsage);
  if (arguments.rounds != 0) overrides->push_back({"meta.rounds", std::to_string(arguments.rounds)});
  if (arguments.init.empty()) return overrides;
  const auto digest = model_digest(arguments.init);
  if (!digest) return digest.error();
  overrides->insert(overrides->begin(), {"init", *digest});  // --set init=HASH holds the file to it
  return overrides;
}

int report_check(const Result<void>& checked, const std::string& config) {
  if (!checked) return fail(checked.error(), ExitCode::kConfiguration);
  std::printf("%s: the configuration is sound\n", config.c_str());
  return static_cast<int>(ExitCode::kOk);
}

int run_once(const Arguments& arguments, coordinator::Settings settings) {
  const auto overrides = overrides_of(arguments);
  if (!overrides) return fail(overrides.error(), ExitCode::kUsage);
  if (settings.experiment.empty() || settings.store.empty()) {
    return fail(ExitCode::kConfiguration,
                arguments.config + ": [coordinator] experiment and store are needed for a run");
  }
  settings.init = arguments.init;
  if (!arguments.check_only) return run(settings, *overrides, arguments.updates);
  const auto experiment = check_experiment(settings.experiment, *overrides);
  return report_check(experiment ? check_credentials(settings) : experiment, arguments.config);
}

int run_command(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("coordinator"));
  spdlog::set_pattern("%H:%M:%S %^%l%$ %v");
  const arithmetic::Canary canary = prepare_thread_arithmetic();
  if (canary != arithmetic::Canary::kSound) return fail(ExitCode::kUnsoundArithmetic, arithmetic::canary_text(canary));
  CommandLine line("skink-coordinator",
                   "Leads a fleet of devices that learn together: a service for years, or with 'run' one run.");
  Arguments arguments;
  Command app = line.root();
  add_run(app, arguments);
  Command once = app.command("run", "Leads one run to its end, and exits");
  add_run(once, arguments);
  try {
    const std::optional<int> over = line.parse(argc, argv);
    if (over) return *over;
    if (arguments.config.empty()) return line.fail_required("--config");
    catch_signals(stop);
    const auto settings = coordinator::read_settings(arguments.config);
    if (!settings) return fail(ExitCode::kConfiguration, settings.error().message);
    const bool is_of_one_run = settings->state.empty() && !settings->experiment.empty();
    if (once.parsed() || is_of_one_run) return run_once(arguments, *settings);
    if (!arguments.settings.empty() || arguments.rounds != 0 || !arguments.init.empty() || !arguments.updates.empty()) {
      return fail(ExitCode::kUsage, "--set, --rounds, --init and --updates are of one run: skink-coordinator run");
    }
    if (arguments.check_only) return report_check(check_credentials(*settings), arguments.config);
    std::signal(SIGHUP, reload);  // of a service, a terminal that is closed is no reason to stop
    return serve(*settings);
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skink-coordinator", run_command(argc, argv)); }
