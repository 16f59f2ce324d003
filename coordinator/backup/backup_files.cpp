#include "backup_files.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "skink/coordinator/store/database_file.hpp"
#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::backup {
namespace {

namespace fs = std::filesystem;
using coordinator::FleetStore;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Locks, logs of SQLite, files that are being written: nothing that a backup needs.
bool is_passing(const std::string& name) {
  return name.front() == '.' || ends_with(name, ".lock") || ends_with(name, ".part") || ends_with(name, "-wal") ||
         ends_with(name, "-shm") || ends_with(name, "-journal") || name == kLastBackupName;
}

/// Plain files below a folder, in order.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code code;
  for (auto entry = fs::recursive_directory_iterator(folder, code); !code && entry != fs::end(entry);
       entry.increment(code)) {
    const bool is_hidden = entry->path().filename().string().front() == '.';
    if (is_hidden && entry->is_directory(code)) entry.disable_recursion_pending();
    if (entry->symlink_status(code).type() == fs::file_type::regular && !is_passing(entry->path().filename().string()))
      found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Readers readers_of(const fs::path& path) {
  std::error_code code;
  const fs::perms others = fs::perms::group_read | fs::perms::others_read;
  const bool is_private = (fs::status(path, code).permissions() & others) == fs::perms::none;
  return is_private || code ? Readers::kOwner : Readers::kEverybody;
}

/// The path below a folder; empty: it is not there.
std::string below(const fs::path& folder, const fs::path& path) {
  const std::string relative = path.lexically_relative(folder).string();
  return relative.empty() || relative.compare(0, 2, "..") == 0 || relative == "." ? std::string() : relative;
}

/// Who has such a file can pose as somebody. Images of devices hold their keys.
bool is_key(const fs::path& path) {
  const std::string ending = path.extension().string();
  return path.filename() == "key.pem" || ending == ".key" || ending == ".bin" || ending == ".hex" ||
         readers_of(path) == Readers::kOwner;
}

/// Runs that have begun: the others have no store yet, or one that fleet.db does not know.
Result<std::vector<std::uint32_t>> begun_runs(const FleetStore& store) {
  std::vector<std::uint32_t> numbers;
  for (coordinator::Page page;;) {
    const auto runs = store.runs(page);
    if (!runs) return runs.error();
    if (runs->empty()) return numbers;
    for (const auto& run : *runs) {
      if (run.run != 0) numbers.push_back(run.number);
    }
    page.after = runs->back().number;
  }
}

Result<std::size_t> count_models(const FleetStore& store) {
  std::size_t count = 0;
  for (coordinator::Page page;;) {
    const auto models = store.models(page);
    if (!models) return models.error();
    if (models->empty()) return count;
    count += models->size();
    page.after = models->back().number;
  }
}

Result<void> add_run(const fs::path& folder, const std::string& name, const fs::path& copies,
                     std::vector<ArchiveSource>& sources, BackupReport& report) {
  for (const fs::path& file : files_below(folder)) {
    const std::string relative = below(folder, file);
    const std::string archived = name + "/" + relative;
    if (file.extension() != ".db") {
      sources.push_back({archived, file.string(), Readers::kOwner});
      continue;
    }
    const std::string copy = (copies / (std::to_string(sources.size()) + ".db")).string();
    const auto copied = coordinator::copy_database(file.string(), copy);
    if (!copied) return copied;
    sources.push_back({archived, copy, Readers::kOwner});
    ++report.runs;
  }
  return {};
}

}  // namespace

/// fleet.db comes first: a run's own store may then be ahead of it, as after a crash, and never behind.
Result<std::vector<ArchiveSource>> state_files(const std::string& state, const std::string& copies,
                                               BackupReport& report) {
  const std::string fleet = copies + "/fleet.db";
  const auto copied = coordinator::copy_database(state + "/fleet.db", fleet);
  if (!copied) return copied.error();
  const auto store = FleetStore::open_to_read(fleet);
  if (!store) return store.error();
  const auto name = store->fleet();
  const auto models = count_models(*store);
  const auto runs = begun_runs(*store);
  if (!name) return name.error();
  if (!models) return models.error();
  if (!runs) return runs.error();
  report.fleet = *name;
  report.models = *models;
  std::vector<ArchiveSource> sources{{std::string(kStateName) + "/fleet.db", fleet, Readers::kOwner}};
  for (const std::uint32_t number : *runs) {
    const std::string folder = "/runs/" + std::to_string(number);
    const auto added = add_run(state + folder, kStateName + folder, copies, sources, report);
    if (!added) return added.error();
  }
  return sources;
}

std::vector<ArchiveSource> configuration_files(const coordinator::Settings& settings, const std::string& config,
                                               Keys keys, BackupReport& report) {
  const fs::path file = fs::absolute(config).lexically_normal();
  const fs::path root = file.parent_path();
  std::vector<ArchiveSource> sources{{kConfigName, file.string(), Readers::kEverybody}};
  std::set<std::string> known{kConfigName, file.filename().string()};
  const auto add = [&](const fs::path& path) {
    const std::string name = below(root, path);
    if (name.empty()) {
      report.left_out.push_back(path.string());
    } else if (known.insert(name).second && (keys == Keys::kInclude || !is_key(path))) {
      sources.push_back({name, path.string(), is_key(path) ? Readers::kOwner : readers_of(path)});
    }
  };
  const fs::path pki = fs::absolute(settings.release_pki.empty() ? fs::path(settings.master_key).parent_path()
                                                                 : fs::path(settings.release_pki))
                           .lexically_normal();
  std::error_code code;
  if (!below(root, pki).empty()) {
    for (const fs::path& found : files_below(pki)) add(found);
  }
  if (fs::exists(root / "broker/mosquitto.conf", code)) {
    for (const fs::path& found : files_below(root / "broker")) {
      if (below(root / "broker/data", found).empty()) add(found);
    }
  }
  for (const std::string& path : {settings.ca, settings.certificate, settings.key, settings.master_key,
                                  settings.revoked, settings.http_certificate, settings.http_key}) {
    if (!path.empty()) add(fs::absolute(path).lexically_normal());
  }
  return sources;
}

}  // namespace skink::backup
