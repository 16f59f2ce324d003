#include <sys/stat.h>

#include <ctime>
#include <filesystem>

#include "findings.hpp"
#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/host/files/files.hpp"

namespace skink::doctor {
namespace {

using provisioning::CertificateUse;

constexpr std::int64_t kFewDays = 14;
constexpr const char* kRenew = "skinkctl certificates renew DIR";

void check_days(Findings& findings, const std::string& check, const std::string& path) {
  const auto report = provisioning::describe_certificate(path);
  if (!report) return findings.error(check, report.error().message, "name the right file, or issue a new certificate");
  const std::int64_t left = report->days_left(std::time(nullptr));
  const std::string text = path + ": valid until " + report->valid_until + ", " + std::to_string(left) + " days left";
  if (left < 0) return findings.error(check, path + ": has expired on " + report->valid_until, kRenew);
  if (left < kFewDays) return findings.warning(check, text, kRenew);
  findings.ok(check, text);
}

/// Dates come before the chain: of a certificate that has expired, that is what is to be said.
void check_pair(Findings& findings, const std::string& check, const std::string& ca, const std::string& certificate,
                const std::string& key, CertificateUse use) {
  check_days(findings, check + ".dates", certificate);
  const auto chain = ca.empty() ? Result<void>() : provisioning::check_chain(ca, certificate, use);
  if (!chain) {
    findings.error(check + ".chain", chain.error().message,
                   "use the authority that has signed it, or issue it again: " + std::string(kRenew));
  } else if (!ca.empty()) {
    findings.ok(check + ".chain", certificate + ": signed by " + ca);
  }
  const auto belongs = provisioning::check_key_of(certificate, key);
  if (!belongs) return findings.error(check + ".key", belongs.error().message, "name the key of this certificate");
  findings.ok(check + ".key", key + ": belongs to " + certificate);
}

void check_name(Findings& findings, const std::string& certificate) {
  const auto report = provisioning::describe_certificate(certificate);
  if (!report) return;  // said by others
  if (report->subject == "coordinator") {
    return findings.ok("certificate.coordinator.name", certificate + ": its name is 'coordinator'");
  }
  findings.warning("certificate.coordinator.name",
                   certificate + ": its name is '" + report->subject + "', and access lists know 'coordinator'",
                   "issue it again, or let the access list know this name");
}

void check_private(Findings& findings, const std::string& path) {
  struct stat status {};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return;  // said by others
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return findings.ok("keys.private", path + ": its owner's alone");
  const bool is_open = (status.st_mode & S_IRWXO) != 0;
  const std::string text = path + ": " + (is_open ? "everybody" : "a group") + " may read it";
  if (is_open) return findings.error("keys.private", text, "chmod 600 " + path);
  findings.warning("keys.private", text, "chmod 600 " + path);
}

/// With a list that is too old a broker refuses everybody.
void check_revocation_list(Findings& findings, const std::string& path) {
  const std::string check = "certificate.revocation_list";
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return;
  const auto end = provisioning::end_of_revocation_list(path);
  const char* remedy = "skinkctl crl renew --pki DIR, and SIGHUP to the broker";
  if (!end) return findings.error(check, end.error().message, remedy);
  const std::int64_t left = (*end - std::time(nullptr)) / 86400;
  if (*end <= std::time(nullptr)) {
    return findings.error(check, path + ": should have been renewed: the broker refuses every certificate", remedy);
  }
  const std::string text = path + ": to be renewed within " + std::to_string(left) + " days";
  if (left < kFewDays) return findings.warning(check, text, remedy);
  findings.ok(check, text);
}

}  // namespace

std::vector<Finding> check_certificates(const coordinator::Settings& settings) {
  Findings findings;
  check_days(findings, "certificate.authority.dates", settings.ca);
  check_pair(findings, "certificate.coordinator", settings.ca, settings.certificate, settings.key,
             CertificateUse::kTlsClient);
  check_name(findings, settings.certificate);
  if (!settings.http_certificate.empty()) {
    check_pair(findings, "certificate.http", "", settings.http_certificate, settings.http_key,
               CertificateUse::kTlsServer);
  }
  const auto key = read_key(settings.master_key);
  if (!key)
    findings.error("keys.master", key.error().message, "restore it from a backup: every device's key depends on it");
  for (const std::string& path : {settings.master_key, settings.key, settings.http_key}) {
    check_private(findings, path);
  }
  if (!settings.release_pki.empty()) {
    check_revocation_list(findings, settings.release_pki + "/crl.pem");
    for (const char* name : {"/ca.key", "/release.key"}) check_private(findings, settings.release_pki + name);
  }
  return findings.take();
}

}  // namespace skink::doctor
