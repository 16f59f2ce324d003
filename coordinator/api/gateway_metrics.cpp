#include "gateway_metrics.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "skink/coordinator/backup/backup.hpp"
#include "skink/coordinator/provisioning/certificate_report.hpp"

namespace skink::coordinator::api {

std::string gateway_metrics(const std::string& state_folder, const std::vector<WatchedCertificate>& certificates) {
  std::string text;
  const auto family = [&text](const char* name, const char* help) {
    text += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
  };
  if (const auto backup = backup::last_backup(state_folder)) {
    family("skink_store_last_backup_timestamp_seconds", "When the last backup was made, since 1970.");
    text += fmt::format("skink_store_last_backup_timestamp_seconds {}\n", *backup);
  }
  std::error_code code;
  const auto space = std::filesystem::space(state_folder, code);
  if (!code) {
    family("skink_state_free_bytes", "Free space of the state folder's disk.");
    text += fmt::format("skink_state_free_bytes {}\n", space.available);
  }
  std::string samples;
  for (const WatchedCertificate& certificate : certificates) {
    const auto report = provisioning::describe_certificate(certificate.path);
    if (!report) continue;
    samples += fmt::format("skink_certificate_expiry_timestamp_seconds{{certificate=\"{}\"}} {}\n", certificate.name,
                           report->ends);
  }
  if (!samples.empty()) {
    family("skink_certificate_expiry_timestamp_seconds", "When certificates end, since 1970.");
    text += samples;
  }
  return text;
}

}  // namespace skink::coordinator::api
