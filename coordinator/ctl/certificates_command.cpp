#include "certificates_command.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>

#include "failure.hpp"
#include "skink/common/limits.hpp"
#include "skink/coordinator/service/settings.hpp"
#include "skink/coordinator/setup/authority_steps.hpp"
#include "skink/coordinator/setup/gateway_folder.hpp"

namespace skink::ctl {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

void print_json(const std::vector<provisioning::CertificateReport>& reports) {
  boost::json::array items;
  for (const auto& report : reports) {
    items.push_back({{"file", report.path},
                     {"name", printable(report.subject)},
                     {"issuer", printable(report.issuer)},
                     {"names", boost::json::array(report.names.begin(), report.names.end())},
                     {"valid_until", report.valid_until},
                     {"days_left", report.days_left(std::time(nullptr))}});
  }
  std::printf("%s\n", boost::json::serialize(boost::json::object{{"items", items}}).c_str());
}

/// Devices know one name or address of their broker, and refuse a certificate without it.
void warn_of_lost(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  std::vector<std::string> lost;
  for (const std::string& name : before) {
    if (std::find(now.begin(), now.end(), name) == now.end()) lost.push_back(name);
  }
  if (lost.empty()) return;
  std::fprintf(stderr,
               "skinkctl: warning: no longer in the broker's certificate: %s. Devices that were provisioned with it "
               "will refuse the broker when they connect again; --host takes old and new names\n",
               printable(joined(lost)).c_str());
}

}  // namespace

void print_certificates(const std::vector<provisioning::CertificateReport>& reports) {
  std::printf("%-20s %-12s %10s  %s\n", "certificate", "valid until", "days left", "file, names");
  for (const auto& report : reports) {
    const std::string names = report.names.empty() ? "" : "  (" + joined(report.names) + ")";
    std::printf("%-20s %-12s %10lld  %s%s\n", printable(report.subject).c_str(), report.valid_until.c_str(),
                static_cast<long long>(report.days_left(std::time(nullptr))), printable(report.path).c_str(),
                printable(names).c_str());
  }
}

CertificatesCommand::CertificatesCommand(Command app)
    : command_(app.command("certificates", "The certificates of a gateway that 'skinkctl init' made")) {
  command_.requires_command();
  show_ = command_.command("show", "Lists them, with their names and the days that they have left");
  show_.flag("--json", json_, "Prints JSON");
  renew_ = command_.command("renew", "Issues those of broker, coordinator and HTTP interface again");
  renew_.option("--host", hosts_, "Names and addresses of the gateway from now on; default: those of the old one");
  renew_.option("--days", days_, "How long they hold; no longer than the authority's")
      .range(1U, limits::kMaxCertificateDays)
      .shows_default();
  next_ =
      command_.command("next-authority", "Makes the authority that will take over, and trusts it beside the present");
  adopt_ = command_.command("adopt-authority", "The next authority takes over; the former one is still trusted");
  adopt_.option("--days", days_, "How long the new certificates of broker and coordinator hold")
      .range(1U, limits::kMaxCertificateDays)
      .shows_default();
  retire_ = command_.command("retire-authority", "Trusts the former authority no more");
  for (Command command : {adopt_, retire_}) {
    command.flag("--lose-devices", loses_, "Also where devices have no certificate of the new authority, and are lost");
  }
  sign_ = command_.command("sign-authorities",
                           "Signs whom devices shall trust again, after keys were restored from an older backup");
  for (Command command : {show_, renew_, next_, adopt_, retire_, sign_})
    command.option("dir", folder_, "The gateway's folder").required();
}

int CertificatesCommand::run() const {
  if (renew_.parsed()) return renew();
  if (next_.parsed() || adopt_.parsed() || retire_.parsed()) return change_authority();
  if (sign_.parsed()) return sign_authorities();
  const auto reports = setup::certificates_of(folder_);
  if (!reports) return fail(reports.error(), ExitCode::kCredentials);
  if (json_) {
    print_json(*reports);
  } else {
    print_certificates(*reports);
  }
  return kOk;
}

int CertificatesCommand::change_authority() const {
  const auto done = next_.parsed()    ? setup::announce_authority(folder_)
                    : adopt_.parsed() ? setup::adopt_authority(folder_, days_, loses_)
                                      : setup::retire_authority(folder_, loses_);
  if (!done) return fail(done.error(), ExitCode::kCredentials);
  const auto reports = setup::certificates_of(folder_);
  if (!reports) return fail(reports.error(), ExitCode::kCredentials);
  print_certificates(*reports);
  std::printf(
      "Now restart the broker (systemctl restart mosquitto), and then the coordinator (systemctl restart\n"
      "skink-coordinator), which goes on where it was; devices come back by themselves.\n%s\n",
      next_.parsed()    ? "Then renew the devices ('skinkctl renewals ask --all'): they learn whom to trust, and "
                          "get certificates of the next\nauthority. When 'skinkctl renewals' says that they are "
                          "done: 'skinkctl certificates adopt-authority'."
      : adopt_.parsed() ? "When it has been so for as long as you want to be able to see who is missing: "
                          "'skinkctl certificates retire-authority'."
                        : "Devices trust the former authority until their next renewal ('skinkctl renewals ask "
                          "--all').");
  return kOk;
}

int CertificatesCommand::sign_authorities() const {
  const auto done = setup::sign_authorities_again(folder_);
  if (!done) return fail(done.error(), ExitCode::kCredentials);
  std::printf(
      "Signed again. Devices that refused their renewal as older_release take it now: 'skinkctl renewals ask'.\n");
  return kOk;
}

int CertificatesCommand::renew() const {
  std::vector<std::string> hosts = hosts_;
  const setup::GatewayFolder gateway{folder_};
  const auto settings = coordinator::read_settings(gateway.config());
  if (!hosts.empty() && settings) hosts.push_back(settings->host);
  const auto before = provisioning::describe_certificate(gateway.broker_pair() + "/cert.pem");
  const auto reports = setup::renew_certificates(folder_, hosts, days_);
  if (!reports) return fail(reports.error(), ExitCode::kCredentials);
  print_certificates(*reports);
  const auto now = provisioning::describe_certificate(gateway.broker_pair() + "/cert.pem");
  if (before && now) warn_of_lost(before->names, now->names);
  std::printf(
      "Now send SIGHUP to the broker (systemctl reload mosquitto), which reads its certificate again without cutting\n"
      "connections, and restart the coordinator (systemctl restart skink-coordinator), which goes on where it was.\n"
      "Devices keep their own certificates and trust the same authority: nothing is to be done there.\n");
  return kOk;
}

}  // namespace skink::ctl
