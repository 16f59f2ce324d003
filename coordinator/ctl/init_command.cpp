#include "init_command.hpp"

#include "certificates_command.hpp"
#include "failure.hpp"
#include "skink/common/limits.hpp"

namespace skink::ctl {
namespace {

/// A word of a shell.
std::string quoted(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void print_what_is_next(const setup::NewGateway& made, const setup::GatewayOptions& options) {
  const std::string root = made.folder.root;
  const std::string& host = options.hosts.front();
  const std::string at =
      (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(options.port);
  std::printf("\nNext:\n");
  std::printf("  1. mosquitto -c %s                      (or include it in /etc/mosquitto/conf.d)\n",
              quoted(made.folder.broker() + "/mosquitto.conf").c_str());
  std::printf("  2. skink-coordinator --config %s\n", quoted(made.folder.config()).c_str());
  std::printf("  3. skinkctl doctor --config %s\n", quoted(made.folder.config()).c_str());
  std::printf("  4. skinkctl provision --fleet %s --pki %s --broker %s --count N\n", quoted(options.fleet).c_str(),
              quoted(root + "/pki").c_str(), quoted(at).c_str());
  std::printf("  5. skinkctl runs queue EXPERIMENT.toml --socket %s\n", quoted(made.state + "/api.sock").c_str());
  std::printf(
      "\nThe first token, of scope admin, for programs that ask over TCP. It is shown this once, and only its hash is\n"
      "kept; over the unix socket none is needed, and 'skinkctl tokens add' makes more:\n  %s\n",
      made.token.c_str());
}

void warn_of_ipv6_only(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts) {
    if (host.find(':') == std::string::npos) return;
  }
  std::fprintf(
      stderr,
      "skinkctl: warning: only IPv6 addresses are named, and the firmware of microcontrollers speaks IPv4 only: "
      "add a name or an IPv4 address with --host\n");
}

}  // namespace

InitCommand::InitCommand(Command app)
    : command_(app.command("init", "Makes a gateway: keys, certificates, configurations, the first token")) {
  command_.option("dir", options_.folder, "The folder to make").required();
  command_.option("--fleet", options_.fleet, "Name of the fleet").required();
  command_.option("--host", options_.hosts, "Names and addresses by which devices reach this gateway").required();
  command_.option("--devices", options_.devices, "Devices that the broker's limits are for")
      .range(1U, 100'000U)
      .shows_default();
  command_.choice<setup::BrokerDialect, setup::BrokerDialect>(
      "--mosquitto", options_.dialect,
      {{"2.0", setup::BrokerDialect::kMosquitto20}, {"2.1", setup::BrokerDialect::kMosquitto21}},
      "Version of the broker; default: 2.0");
  const Option off =
      command_.flag("--no-persistence", forgets_, "The broker keeps nothing over a restart; the default");
  command_.flag("--persistence", keeps_, "The broker writes retained messages to its disk").excludes(off);
  command_.option("--port", port_, "Of the broker").range(1U, 65535U).shows_default();
  command_.option("--bind", options_.bind, "Addresses at which the broker listens; default: all");
  command_.option("--http", http_, "ADDR:PORT of the HTTP interface; default: its unix socket only");
  command_.option("--state", options_.state, "The coordinator's state folder; default: DIR/state");
  command_.option("--days", options_.days, "How long the certificates hold")
      .range(1U, limits::kMaxCertificateDays)
      .shows_default();
  command_.option("--acl-plugin", options_.acl_plugin, "mosquitto_acl_file.so of a mosquitto 2.1");
}

int InitCommand::run() {
  if (!http_.empty()) {
    const auto address = parse_network_address(http_);
    if (!address) return fail(ExitCode::kUsage, "--http: " + address.error().message);
    options_.http = *address;
  }
  options_.port = static_cast<std::uint16_t>(port_);
  if (keeps_) options_.persistence = setup::Persistence::kOn;
  warn_of_ipv6_only(options_.hosts);
  const auto made = setup::make_gateway(options_);
  if (!made) return fail(made.error(), ExitCode::kStore);
  print_certificates(made->certificates);
  std::printf("%s: the coordinator's configuration\n", printable(made->folder.config()).c_str());
  std::printf("%s/mosquitto.conf: the broker's, for %u devices: %u connections, %u messages queued for each\n",
              printable(made->folder.broker()).c_str(), options_.devices, made->limits.connections,
              made->limits.queued_messages);
  std::printf(
      "%s/ca.key: the authority's key. Who has it can make devices: keep a copy elsewhere, and it need not be "
      "here but to issue or revoke.\n",
      printable(made->folder.pki()).c_str());
  if (options_.devices > 1000) {
    std::printf("The broker needs a file descriptor for each device: LimitNOFILE=%u in its unit.\n",
                made->limits.connections + 64);
  }
  print_what_is_next(*made, options_);
  return kOk;
}

}  // namespace skink::ctl
