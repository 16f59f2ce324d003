/// @file
/// skink-coordinator: leads a fleet. The work is in the service; here are command line and exit code.

#include <fmt/format.h>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "one_run.hpp"
#include "program_log.hpp"
#include "reload.hpp"
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
#include "skink/host/program/service_manager.hpp"
#include "standing.hpp"

namespace {

using namespace skink;
using gateway::fail;
using gateway::program_log;
using gateway::say;
namespace http = coordinator::http;

std::atomic<bool> stopped{false};
std::atomic<bool> reloads{false};

void stop(int /*signal*/) { stopped = true; }
void note_reload(int /*signal*/) { reloads = true; }

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
  options.on_fault = [](const std::string& what) { say(LogLevel::kError, "http.fault", what); };
  return options;
}

/// State folder and interface, as serve() will have them.
Result<void> check_places(const coordinator::Settings& settings) {
  std::error_code code;
  if (std::filesystem::exists(settings.state, code) && !std::filesystem::is_directory(settings.state, code)) {
    return make_error(Status::kInvalidArgument, "[coordinator] state: " + settings.state + " is no folder",
                      Cause::kStore);
  }
  http::ServerOptions options = server_options(settings);
  options.authentication.tokens = http::Tokens::kRequired;
  options.authentication.authenticate = [](std::string_view, const http::Peer&) { return std::nullopt; };
  const auto sound = http::check_options(options);
  return sound ? sound
               : make_error(Status::kInvalidArgument, "[http]: " + sound.error().message, Cause::kConfiguration);
}

void log_event(const coordinator::EventRow& event) {
  const LogLevel level = event.level == "error"     ? LogLevel::kError
                         : event.level == "warning" ? LogLevel::kWarning
                                                    : LogLevel::kInfo;
  program_log().write({level, event.event, event.text, event.run, event.device});
}

/// `skink-coordinator`: leads until it is told to stop.
int serve(const coordinator::Settings& settings, const std::string& config) {
  auto service = coordinator::FleetService::create(settings);
  if (!service) return fail(service.error(), ExitCode::kConfiguration);
  auto api = coordinator::api::Api::create(**service, settings.state);
  if (!api) return fail(api.error(), ExitCode::kStore);
  http::ServerOptions options = server_options(settings);
  options.authentication = (*api)->authentication();
  auto server = http::Server::create(std::move(options), (*api)->router());
  if (!server) return fail(ExitCode::kConfiguration, "[http]: " + server.error().message);
  (*api)->watch_certificates({{"authority", settings.ca},
                              {"broker", settings.broker_certificate},
                              {"broker-client", settings.certificate},
                              {"http", settings.http_certificate}});
  (*api)->set_statistics([running = server->get()] { return running->statistics(); });
  if (!settings.http_socket.empty()) say(LogLevel::kInfo, "http.listens", "listens at " + settings.http_socket);
  for (const http::TcpAddress& address : (*server)->tcp_addresses()) {
    say(LogLevel::kInfo, "http.listens", fmt::format("listens at {}, port {}", address.address, address.port));
  }
  const auto observer = (*api)->observer([filter = RepeatFilter()](const coordinator::EventRow& event) mutable {
    if (filter.is_due(event.event + event.text)) log_event(event);
  });
  ServiceManager manager([](const std::string& fault) { say(LogLevel::kWarning, "service.unheard", fault); });
  const coordinator::ServiceEnd end = (*service)->run(observer, [&] {
    if (reloads.exchange(false)) {
      manager.reloading();
      gateway::reload(config, **service, **server);
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
  LogFormat log_format = LogFormat::kText;
  bool check_only = false;
  // of one run
  std::vector<std::string> settings;
  std::string init;
  std::string updates;
  std::uint32_t rounds = 0;
};

void add_config(Command& command, Arguments& arguments) {
  command.option("--config", arguments.config, "Configuration file (docs/coordinator-config.md)");
  command.choice("--log-format", arguments.log_format,
                 std::vector<std::pair<const char*, LogFormat>>{{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                 "How the log is written (default text); json: one object a line");
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
  if (!arguments.check_only) return gateway::lead_run(settings, *overrides, arguments.updates, stopped);
  const auto experiment = check_experiment(settings.experiment, *overrides);
  return report_check(experiment ? check_credentials(settings) : experiment, arguments.config);
}

int run_command(int argc, char** argv) {
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
    program_log().set_format(arguments.log_format);
    if (arguments.config.empty()) return line.fail_required("--config");
    catch_signals(stop);
    const auto settings = coordinator::read_settings(arguments.config);
    if (!settings) return fail(ExitCode::kConfiguration, settings.error().message);
    const bool is_of_one_run = settings->state.empty() && !settings->experiment.empty();
    if (once.parsed() || is_of_one_run) return run_once(arguments, *settings);
    if (!arguments.settings.empty() || arguments.rounds != 0 || !arguments.init.empty() || !arguments.updates.empty()) {
      return fail(ExitCode::kUsage, "--set, --rounds, --init and --updates are of one run: skink-coordinator run");
    }
    if (arguments.check_only) {
      const auto credentials = check_credentials(*settings);
      return report_check(credentials ? check_places(*settings) : credentials, arguments.config);
    }
    std::signal(SIGHUP, note_reload);  // of a service, a terminal that is closed is no reason to stop
    return serve(*settings, arguments.config);
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skink-coordinator", run_command(argc, argv)); }
