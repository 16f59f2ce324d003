#include "skink/coordinator/backup/backup.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "archive_format.hpp"
#include "backup_files.hpp"
#include "manifest.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/files/removed_at_end.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::backup {
namespace {

namespace fs = std::filesystem;

/// A folder for copies, removed in the end.
class Copies {
 public:
  explicit Copies(std::string path) : path_(std::move(path)) {}
  ~Copies() { remove(); }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  Result<void> make() const {
    remove();  // of a command that was interrupted
    auto made = make_folder(path_);
    if (!made) return made;
    std::error_code code;
    fs::permissions(path_, fs::perms::owner_all, code);
    if (code) return make_error(Status::kUnavailable, path_ + ": " + code.message(), Cause::kStore);
    return {};
  }
  const std::string& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  std::string path_;
};

/// Would these sources have the backup itself, or the copies that it is made from?
bool has_itself(const std::vector<ArchiveSource>& sources, const std::string& file, const std::string& copies) {
  const auto absolute = [](const std::string& path) { return fs::absolute(path).lexically_normal().string(); };
  const std::string archive = absolute(file);
  const std::string folder = absolute(copies) + "/";
  return std::any_of(sources.begin(), sources.end(), [&](const ArchiveSource& source) {
    const std::string path = absolute(source.path);
    return path == archive || path.compare(0, folder.size(), folder) == 0;
  });
}

Result<void> write_archive(const std::string& file, const std::vector<ArchiveSource>& sources, BackupReport& report) {
  ArchiveWriter writer(sources, kManifestName,
                       [&report](const std::vector<ArchivedFile>& files) { return manifest_text(report, files); });
  auto staged = StagedFile::write_parts(
      file, [&writer](std::string_view& part) { return writer.next(part); }, Readers::kOwner);
  if (!writer.failure()) return writer.failure();
  if (!staged) return staged.error();
  auto placed = staged->place();
  if (!placed) return placed;
  report.files = writer.files().size();
  for (const ArchivedFile& archived : writer.files()) report.bytes += archived.bytes;
  return sync_names(fs::path(file).parent_path().string());
}

}  // namespace

Result<BackupReport> write_backup(const coordinator::Settings& settings, const std::string& config,
                                  const std::string& file, Keys keys) {
  if (settings.state.empty()) {
    return make_error(Status::kInvalidArgument, config + ": [coordinator] state is needed: backups are of a service",
                      Cause::kConfiguration);
  }
  const auto replaceable = check_replaceable(file, {"a backup", kArchiveMark, kArchiveMarkAt});
  if (!replaceable) return replaceable.error();
  const auto lock = FolderLock::take_file(file, "another backup is being written there; wait for it");
  if (!lock) return lock.error();
  const RemovedAtEnd lock_file(file + ".lock");  // its name, while it is held
  BackupReport report;
  report.created = utc_now();
  const std::uint64_t now = unix_time_ms() / 1000;
  report.folder = fs::absolute(config).lexically_normal().parent_path().string();
  report.state = fs::absolute(settings.state).lexically_normal().string();
  report.has_keys = keys == Keys::kInclude;
  const Copies copies(file + ".copies");
  auto done = copies.make();
  if (!done) return done.error();
  auto sources = state_files(settings.state, copies.path(), report);
  if (!sources) return sources.error();
  const auto configuration = configuration_files(settings, config, keys, report);
  if (has_itself(configuration, file, copies.path())) {
    return make_error(Status::kInvalidArgument, file + ": lies in what is backed up; name a file elsewhere",
                      Cause::kUsage);
  }
  sources->insert(sources->end(), configuration.begin(), configuration.end());
  done = write_archive(file, *sources, report);
  if (!done) return done.error();
  done = write_file(settings.state + "/" + kLastBackupName, std::to_string(now) + "\n", Readers::kEverybody);
  if (!done) {
    return make_error(
        Status::kUnavailable,
        file + " is complete, but its time cannot be noted, so alarms will miss it: " + done.error().message,
        Cause::kStore);
  }
  return report;
}

std::optional<std::int64_t> last_backup(const std::string& state_folder) {
  const auto text = read_file(state_folder + "/" + kLastBackupName, 64);
  if (!text) return std::nullopt;
  std::int64_t seconds = 0;
  const char* end = text->data() + text->size();
  const auto [after, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc() || seconds <= 0 || std::string_view(after, static_cast<std::size_t>(end - after)) != "\n") {
    return std::nullopt;
  }
  return seconds;
}

}  // namespace skink::backup
