#pragma once
/// @file
/// Which files of a gateway go into a backup, and under which names. Private to backups.

#include "archive.hpp"
#include "skink/coordinator/backup/backup.hpp"

namespace skink::backup {

inline constexpr const char* kConfigName = "coordinator.toml";
inline constexpr const char* kStateName = "state";
inline constexpr const char* kLastBackupName = "last-backup";

/// Copies of the stores in a folder, which the caller removes; the rest of the state as it lies there.
/// @param[in,out] report  runs, models and the fleet's name are set.
/// @returns kUnavailable or kDamaged, naming the file at fault.
Result<std::vector<ArchiveSource>> state_files(const std::string& state, const std::string& copies,
                                               BackupReport& report);

/// Configuration, keys, certificates and lists; what lies outside of the configuration's folder is named in the report.
std::vector<ArchiveSource> configuration_files(const coordinator::Settings& settings, const std::string& config,
                                               Keys keys, BackupReport& report);

}  // namespace skink::backup
