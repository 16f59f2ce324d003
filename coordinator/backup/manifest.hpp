#pragma once
/// @file
/// The last entry of a backup: which files it has, and what they are. Private to backups.

#include "archive.hpp"
#include "skink/coordinator/backup/backup.hpp"

namespace skink::backup {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr std::uint64_t kMostManifestBytes = std::uint64_t{256} << 20;

/// As JSON.
std::string manifest_text(const BackupReport& report, const std::vector<ArchivedFile>& files);

/// Reads a manifest, and compares it with what the archive had: the same files, lengths and hashes.
/// @returns the report in it; kDamaged when something is missing, is too much or differs; kNewerVersion for another
///          format.
Result<BackupReport> check_manifest(const std::string& text, const std::vector<ArchivedFile>& files);

}  // namespace skink::backup
