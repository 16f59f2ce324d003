#pragma once
/// @file
/// A gateway in one file, and back: what the service knows, its configuration, its keys. docs/operating.md says what is
/// in it; the file is a tar archive whose last entry, manifest.json, has the SHA-256 of every other one.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skink/coordinator/service/settings.hpp"
#include "skink/host/result.hpp"

namespace skink::backup {

/// Of the manifest.
inline constexpr const char* kBackupFormat = "skink-backup-1";

/// Do private keys go into the backup? Whoever has them can make devices, releases and a coordinator.
enum class Keys : std::uint8_t { kInclude, kLeaveOut };

/// What a backup has, or a restore has brought back.
struct BackupReport {
  std::string fleet;
  std::string created;  ///< UTC
  std::string folder;   ///< absolute: of the configuration, when the backup was made
  std::string state;    ///< absolute: of the service
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::size_t models = 0;  ///< of the registry
  std::size_t runs = 0;    ///< with a store
  bool has_keys = false;
  std::vector<std::string> left_out;  ///< files that the configuration names, outside of its folder
};

/// Writes a backup, whether the service runs or not: it is not held up. The stores are copied beside `file`, so twice
/// the space is needed for a moment. The time is noted in the state folder: last_backup().
/// @param[in] config  the coordinator's configuration, from which `settings` were read.
/// @param[in] file    replaced in one step when the backup is complete; mode 0600.
/// @returns kUnavailable when something cannot be read or written, kDamaged for a store that is damaged; `file` is then
///          what it was. Also kUnavailable when only noting the time failed.
Result<BackupReport> write_backup(const coordinator::Settings& settings, const std::string& config,
                                  const std::string& file, Keys keys);

/// Brings a backup back into a folder that is not there or is empty: everything is checked (names, sizes, SHA-256, the
/// stores and their formats, every model's hash) before the folder appears, in one step. In fleet.db it is noted that
/// this state was restored.
/// @param[in] finish  what else is to be done with the folder before it appears, such as whose it is; its error is
///                    returned. May be empty.
/// @returns kInvalidArgument when the folder is not empty; kDamaged, kTruncated or kNewerVersion for a file that is no
///          sound backup; kUnavailable when something cannot be read or written. Nothing is left then.
Result<BackupReport> restore_backup(const std::string& file, const std::string& folder,
                                    const std::function<Result<void>(const std::string&)>& finish = {});

/// When the last backup of this state folder was made, seconds since 1970; none: never, or it cannot be read.
std::optional<std::int64_t> last_backup(const std::string& state_folder);

}  // namespace skink::backup
