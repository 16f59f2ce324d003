#include "revoke_command.hpp"

#include "failure.hpp"
#include "skink/common/limits.hpp"

namespace skink::ctl {

RevokeCommand::RevokeCommand(Command app) {
  Command device = app.command("device", "Devices: 'device revoke --pki DIR ID...'");
  device.requires_command();
  revoke_ = device.command("revoke", "Puts devices out of the fleet, for good");
  revoke_.option("ids", request_.ids, "Their ids").required();
  Command list = app.command("crl", "Revocation lists: 'crl renew --pki DIR'");
  list.requires_command();
  renew_ = list.command("renew", "Signs the revocation list again, before its next update is due");
  for (Command command : {revoke_, renew_}) {
    command.option("--pki", request_.pki, "Folder with ca.pem, ca.key, devices/ (scripts/make-pki)").required();
    command
        .option("--crl-days", request_.valid_days,
                "Days until the list must be renewed, or the broker refuses everybody; default: the CA's end")
        .range(1U, limits::kMaxCertificateDays);
  }
}

int RevokeCommand::run() const {
  const auto prepared = provisioning::prepare_revocation(request_);
  if (!prepared) return fail(prepared.error(), ExitCode::kCredentials);
  const auto written = provisioning::write_revocation(*prepared);
  if (!written) return fail(ExitCode::kStore, written.error().message + "; repeat the command");
  const provisioning::RevocationReport& report = prepared->report;
  for (const auto& certificate : report.certificates) {
    std::printf("%-32s %-42s %s\n", certificate.id.c_str(), certificate.serial.c_str(),
                certificate.is_of_retired ? "of an authority that is retired: let in by nobody"
                : certificate.was_revoked ? "was revoked before"
                                          : "revoked");
  }
  std::printf("%s: %zu certificates revoked, next update due by %s\n", report.certificate_list.c_str(), report.total,
              report.next_update.c_str());
  if (!report.broker_list.empty()) std::printf("%s: the broker's copy is the same\n", report.broker_list.c_str());
  std::printf("Now send SIGHUP to the broker. The coordinator reads %s by itself.\n", report.id_list.c_str());
  return kOk;
}

}  // namespace skink::ctl
