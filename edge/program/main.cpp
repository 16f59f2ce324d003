/// @file
/// skink-edge: devices of a fleet as one host process. The work is in ClientHost; here are command line, log and exit
/// code (docs/exit-codes.md).

#include <atomic>
#include <cstdio>
#include <tuple>

#include "skink/edge/bridge/datagram_bridge.hpp"
#include "skink/edge/linux/client_host.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/device_memory.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/tasks.hpp"
#include "skink/host/program/command_line.hpp"
#include "skink/host/program/event_log.hpp"
#include "skink/host/program/exit_codes.hpp"
#include "skink/host/program/numbered_ids.hpp"
#include "skink/host/program/service_manager.hpp"

namespace {

using namespace skink;

std::atomic<bool> stopped{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

void stop(int /*signal*/) { stopped = true; }

EventLog& program_log() {
  static EventLog log("skink-edge");
  return log;
}

int fail(ExitCode code, const std::string& message) {
  program_log().write({LogLevel::kError, "program.failed", message});
  return static_cast<int>(code);
}

struct Arguments {
  std::string experiment;
  std::string broker;
  std::string fleet;
  std::string identity;
  std::string id;
  std::uint32_t count = 0;
  std::uint32_t first = 0;
  std::string prefix = "device-";
  std::string data;
  std::string state;
  std::vector<std::string> settings;
  std::size_t arena_bytes = 0;
  unsigned threads = 0;
  std::uint32_t connect_timeout_s = 0;
  LogFormat log_format = LogFormat::kText;
  bool quiet = false;
  bool verbose = false;
};

constexpr const char* kIdentityHelp = "Folder with ca.pem and devices/<id>/, as scripts/make-pki makes it";

/// `skink-edge bridge`
struct BridgeArguments {
  std::string listen;
  std::string broker;
  std::string fleet;
  std::string identity;
  std::uint32_t nodes = 256;
  LogFormat log_format = LogFormat::kText;
  bool quiet = false;
  bool verbose = false;
};

void add_log_options(Command command, LogFormat& format, bool& quiet, bool& verbose) {
  command.choice("--log-format", format,
                 std::vector<std::pair<const char*, LogFormat>>{{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                 "How the log is written (default text); json: one object a line");
  const Option is_quiet = command.flag("--quiet", quiet, "Log warnings and errors only");
  command.flag("--verbose", verbose, "Log every connection").excludes(is_quiet);
}

void set_log(LogFormat format, bool quiet, bool verbose) {
  program_log().set_format(format);
  if (quiet) program_log().set_least(LogLevel::kWarning);
  if (verbose) program_log().set_least(LogLevel::kDebug);
}

void declare_bridge(Command bridge, BridgeArguments& line) {
  bridge.option("--listen", line.listen, "ADDRESS:PORT for the nodes' datagrams (UDP)").required();
  bridge.option("--broker", line.broker, "HOST:PORT of the broker's TLS listener").required();
  bridge.option("--fleet", line.fleet, "Name of the fleet").required();
  bridge.option("--identity", line.identity, kIdentityHelp).required();
  bridge.option("--nodes", line.nodes, "Nodes at a time, at most").range(1U, 10'000U).shows_default();
  add_log_options(bridge, line.log_format, line.quiet, line.verbose);
}

void declare(Command app, Arguments& line) {
  app.option("--experiment", line.experiment, "Experiment file (TOML)");
  app.option("--broker", line.broker, "HOST:PORT of the broker's TLS listener");
  app.option("--fleet", line.fleet, "Name of the fleet");
  app.option("--identity", line.identity, kIdentityHelp);
  const Option id = app.option("--id", line.id, "One device with this id");
  const Option count =
      app.option("--count", line.count, "N devices: <prefix>000, <prefix>001, ...").range(1U, 100'000U).excludes(id);
  app.option("--first", line.first, "Number of the first of them, when several processes share a fleet").needs(count);
  app.option("--prefix", line.prefix, "Prefix of their ids").needs(count).shows_default();
  app.option("--data", line.data, "Folder that holds the data sets (default: SKINK_DATA)");
  app.option("--state", line.state,
             "Folder where each device keeps its last task, its model and its release over a restart");
  app.option("--set", line.settings, "Replaces a setting of the experiment: key=value; may be repeated");
  app.option("--arena-bytes", line.arena_bytes, "Working memory of each device; default: what the experiment needs");
  app.option("--threads", line.threads, "Threads that compute; default: one per processor");
  app.option("--connect-timeout", line.connect_timeout_s, "Give up after so many seconds without any connection");
  add_log_options(app, line.log_format, line.quiet, line.verbose);
}

Result<std::vector<std::string>> device_ids(const Arguments& line) {
  if (!line.id.empty()) return std::vector<std::string>{line.id};
  return numbered_ids(line.prefix, line.first, line.count);
}

int run(const Arguments& line) {
  edge::ClientHostOptions options;
  const Result<NetworkAddress> broker = parse_network_address(line.broker);
  if (!broker) return fail(ExitCode::kUsage, "--broker: " + broker.error().message);
  auto ids = device_ids(line);
  if (!ids) return fail(ExitCode::kUsage, ids.error().message);
  const auto overrides = parse_overrides(line.settings);
  if (!overrides) return fail(ExitCode::kUsage, overrides.error().message);
  const Result<Experiment> read = read_experiment(line.experiment, *overrides);
  if (!read) return fail(ExitCode::kConfiguration, read.error().message);
  const Result<PreparedTasks> prepared = prepare_tasks(*read, line.data);
  if (!prepared) return fail(ExitCode::kData, prepared.error().message);
  const Experiment& experiment = prepared->experiment;

  options.fleet = line.fleet;
  options.broker = *broker;
  options.identity = line.identity;
  options.state = line.state;
  options.device_ids = std::move(*ids);
  options.arena_bytes = line.arena_bytes;
  options.threads = line.threads;
  options.connect_timeout = std::chrono::seconds(line.connect_timeout_s);
  options.log = [](const LogLine& said) { program_log().write(said); };
  ServiceManager manager([](const std::string& fault) {
    program_log().write({LogLevel::kWarning, "service.unheard", fault});
  });
  options.on_turn = [&manager, devices = options.device_ids.size()](std::size_t connected) {
    if (!stopped) {
      manager.turn(
          [&] { return std::to_string(connected) + " of " + std::to_string(devices) + " devices are connected"; });
    }
    if (stopped) manager.stopping();
  };
  const std::size_t needed = device_memory(experiment).arena();
  if (line.arena_bytes != 0 && line.arena_bytes < needed) {
    program_log().write({LogLevel::kWarning, "devices.small_arena",
                         "--arena-bytes " + std::to_string(line.arena_bytes) + ": the experiment needs " +
                             std::to_string(needed) + "; its tasks will be refused"});
  }
  const auto host = edge::ClientHost::create(experiment, prepared->tasks, options);
  if (!host) {
    const bool usage = host.error().code == Status::kInvalidArgument;
    return fail(exit_code_of(host.error(), usage ? ExitCode::kUsage : ExitCode::kCredentials), host.error().message);
  }
  program_log().write({LogLevel::kInfo, "service.started",
                       experiment.name + ": " + std::to_string(options.device_ids.size()) + " devices, " +
                           std::to_string(line.arena_bytes != 0 ? line.arena_bytes : needed) +
                           " bytes of arena each, broker " + line.broker});
  const ExitCode code = (*host)->run(stopped);
  manager.stopping();
  return static_cast<int>(code);
}

int run_bridge(const BridgeArguments& line) {
  edge::DatagramBridgeOptions options;
  for (const auto& [name, text, address] :
       {std::tuple("--listen", &line.listen, &options.listen), std::tuple("--broker", &line.broker, &options.broker)}) {
    const Result<NetworkAddress> parsed = parse_network_address(*text);
    if (!parsed) return fail(ExitCode::kUsage, std::string(name) + ": " + parsed.error().message);
    *address = *parsed;
  }
  options.fleet = line.fleet;
  options.identity = line.identity;
  options.dtls.peers = line.nodes;
  options.log = [](const LogLine& said) { program_log().write(said); };
  const auto bridge = edge::DatagramBridge::open(options);
  if (!bridge) {
    const bool usage = bridge.error().code == Status::kInvalidArgument;
    return fail(usage ? ExitCode::kUsage : ExitCode::kUnreachable, bridge.error().message);
  }
  program_log().write({LogLevel::kInfo, "service.started",
                       "bridge of fleet " + line.fleet + ": " + line.listen + " to " + line.broker + ", " +
                           std::to_string(line.nodes) + " nodes at most"});
  (*bridge)->run(stopped);
  return static_cast<int>(ExitCode::kOk);
}

/// The option that devices need and that was not given; null: none.
const char* missing_option(const Arguments& line) {
  if (line.experiment.empty()) return "--experiment";
  if (line.broker.empty()) return "--broker";
  if (line.fleet.empty()) return "--fleet";
  if (line.identity.empty()) return "--identity";
  return line.id.empty() && line.count == 0 ? "--id or --count" : nullptr;
}

int run_command(int argc, char** argv) {
  CommandLine command_line("skink-edge", "Skink devices on a host: each is a client of its own with its own identity.");
  Arguments line;
  BridgeArguments bridge_line;
  declare(command_line.root(), line);
  Command bridge =
      command_line.root().command("bridge", "Joins nodes that speak in datagrams to the broker (docs/datagram.md)");
  declare_bridge(bridge, bridge_line);
  try {
    const std::optional<int> over = command_line.parse(argc, argv);
    if (over) return *over;
    catch_signals(&stop);
    if (bridge.parsed()) {
      set_log(bridge_line.log_format, bridge_line.quiet, bridge_line.verbose);
      return run_bridge(bridge_line);
    }
    if (const char* missing = missing_option(line)) return command_line.fail_required(missing);
    set_log(line.log_format, line.quiet, line.verbose);
    return run(line);
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternal, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return end_program("skink-edge", run_command(argc, argv)); }
