#include "provision_command.hpp"

#include <fmt/format.h>
#include "failure.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/host/program/numbered_ids.hpp"
#include "skink/host/program/progress_line.hpp"

namespace skink::ctl {
namespace {

void print_table(const std::vector<provisioning::ProvisionedDevice>& devices) {
  if (devices.empty()) return;
  std::printf("%-32s %-12s %-42s %6s  %s\n", "device", "valid until", "certificate", "bytes", "image");
  for (const auto& device : devices) {
    std::printf("%-32s %-12s %-42s %6zu  %s\n", device.id.c_str(), device.valid_until.c_str(), device.serial.c_str(),
                device.image_bytes, device.image.c_str());
  }
}

/// Decimal or 0x...
bool parse_address(const std::string& text, std::uint32_t& address) {
  std::size_t used = 0;
  unsigned long long number = 0;
  try {
    number = std::stoull(text, &used, 0);
  } catch (const std::exception&) {
    return false;
  }
  const bool fits =
      used == text.size() && text[0] != '-' && number <= 0x1'0000'0000ULL - provisioning::kMaxIdentityBytes;
  if (fits) address = static_cast<std::uint32_t>(number);
  return fits;
}

void warn_of_ipv6(const std::string& host) {
  if (host.find(':') != std::string::npos) {
    std::fprintf(stderr, "skinkctl: warning: --broker %s is an IPv6 address, and the firmware speaks IPv4 only\n",
                 host.c_str());
  }
}

}  // namespace

ProvisionCommand::ProvisionCommand(Command app)
    : command_(app.command("provision", "Makes devices: keys, certificates, identity images")),
      address_(fmt::format("{:#010x}", provisioning::kDefaultImageAddress)) {
  command_.option("--fleet", options_.fleet, "Name of the fleet").required();
  command_.option("--pki", options_.pki, "Folder with ca.pem, ca.key, master.key (scripts/make-pki)").required();
  command_.option("--broker", broker_, "HOST:PORT of the broker, as the devices reach it").required();
  command_.option("--server-name", options_.tls_server_name, "Name in the broker's certificate; default: HOST");
  command_.option("--time-server", time_servers_,
                  "HOST:PORT of an SNTP server; up to three, which are asked in turn; default: none");
  const Option id = command_.option("--id", ids_, "Devices with these ids");
  const Option count = command_.option("--count", count_, "N devices: <prefix>000, <prefix>001, ...");
  count.range(1U, 100'000U).excludes(id);
  command_.option("--prefix", prefix_, "Prefix of their ids").needs(count).shows_default();
  command_.option("--first", first_, "Number of the first of them").needs(count);
  command_.option("--out", options_.out, "Folder for the images; default: DIR/images");
  command_.option("--days", options_.days, "How long the certificates hold; no longer than the CA's")
      .range(1U, limits::kMaxCertificateDays)
      .shows_default();
  command_.option("--address", address_, "Where the identity partition begins, for the .hex files").shows_default();
  const Option request = command_.option(
      "--request", options_.request, "Of one device, whose secure element has its key: a request for its certificate");
  request.needs(id);
  command_.option("--key-name", options_.key_name, "What that device calls its key").needs(request);
  command_.flag("--force", force_, "New keys for devices that exist; their old certificates stay valid");
}

Result<std::vector<std::string>> ProvisionCommand::ids() const {
  if (!ids_.empty()) return ids_;
  return numbered_ids(prefix_, first_, count_);
}

int ProvisionCommand::run() {
  const auto named = this->ids();
  if (!named) return fail(ExitCode::kUsage, named.error().message);
  const std::vector<std::string>& ids = *named;
  if (ids.empty()) return fail(ExitCode::kUsage, "--id or --count is required");
  const auto broker = parse_network_address(broker_);
  if (!broker) return fail(ExitCode::kUsage, "--broker: " + broker.error().message);
  options_.broker = *broker;
  warn_of_ipv6(broker->host);
  if (time_servers_.size() > provisioning::kMaxTimeServers) {
    return fail(ExitCode::kUsage, "--time-server: a device knows three at most");
  }
  for (const std::string& text : time_servers_) {
    const auto server = parse_network_address(text);
    if (!server) return fail(ExitCode::kUsage, "--time-server: " + server.error().message);
    options_.time_servers.push_back(*server);
  }
  if (!parse_address(address_, options_.image_address)) {
    return fail(ExitCode::kUsage, "--address: '" + address_ + "' is not an address such as 0x0007F000");
  }
  if (options_.out.empty()) options_.out = options_.pki + "/images";
  if (force_) options_.existing = provisioning::Existing::kReplace;

  const auto provisioner = provisioning::Provisioner::open(options_, ids);
  if (!provisioner) return fail(provisioner.error(), ExitCode::kCredentials);
  std::vector<provisioning::ProvisionedDevice> made;
  Result<void> done;
  {
    ProgressLine progress(Verbosity::kNormal);
    (void)progress.is_due();  // few devices need none
    for (const std::string& id : ids) {
      auto device = provisioner->make(id);
      if (!device) {
        done = device.error();
        break;
      }
      made.push_back(std::move(*device));
      if (progress.is_due()) progress.print(fmt::format("{}/{} devices", made.size(), ids.size()));
    }
    progress.clear();
  }
  print_table(made);
  std::printf("%zu of %zu devices: keys in %s/devices, images in %s (base address %#010x)\n", made.size(), ids.size(),
              options_.pki.c_str(), options_.out.c_str(), options_.image_address);
  return done ? kOk : fail(done.error(), ExitCode::kStore);
}

}  // namespace skink::ctl
