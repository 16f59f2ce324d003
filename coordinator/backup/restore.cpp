#include <filesystem>
#include <set>

#include "backup_files.hpp"
#include "manifest.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/coordinator/backup/backup.hpp"
#include "skink/coordinator/store/database_file.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/coordinator/store/store.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::backup {
namespace {

namespace fs = std::filesystem;
using coordinator::FleetStore;
using coordinator::Store;

/// A folder that is being put together; removed in the end unless it was moved.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  ~Unfinished() { remove(); }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Folders of the state and of keys are the owner's; the broker's must be reached by another user.
Result<void> make_folder_of(const std::string& root, const std::string& name) {
  const fs::path folder = (fs::path(root) / name).parent_path();
  const auto made = make_folder(folder.string());
  if (!made) return made;
  std::error_code code;
  const std::string first = name.substr(0, name.find('/'));
  if (first != name && first != "broker") fs::permissions(fs::path(root) / first, fs::perms::owner_all, code);
  if (code) return make_error(Status::kUnavailable, folder.string() + ": " + code.message(), Cause::kStore);
  return {};
}

Error damaged(const std::string& file, const std::string& what) {
  return make_error(Status::kDamaged, file + ": " + what, Cause::kStore);
}

/// Writes everything but the manifest, and compares with that.
Result<BackupReport> extract_all(const std::string& file, const std::string& root) {
  auto archive = ArchiveReader::open(file);
  if (!archive) return archive.error();
  std::vector<ArchivedFile> files;
  std::set<std::string> names;
  std::string manifest;
  bool has_manifest = false;
  for (;;) {
    auto entry = archive->next();
    if (!entry) return entry.error();
    if (entry->name.empty()) break;
    if (has_manifest) return damaged(file, "something follows the manifest");
    if (!names.insert(entry->name).second || files.size() == kMostFiles) {
      return damaged(file, "'" + entry->name + "' is there twice, or there are too many files");
    }
    has_manifest = entry->name == kManifestName;
    if (has_manifest && entry->bytes > kMostManifestBytes) return damaged(file, "the manifest is too long");
    auto done = has_manifest ? Result<void>() : make_folder_of(root, entry->name);
    if (done && has_manifest) {
      done = archive->read(*entry, [&manifest](std::string_view part) { manifest += part; });
    } else if (done) {
      done = archive->extract(*entry, (fs::path(root) / entry->name).string());
    }
    if (!done) return done.error();
    if (!has_manifest) files.push_back(*entry);
  }
  if (!has_manifest) return damaged(file, "has no manifest");
  auto report = check_manifest(manifest, files);
  if (!report) return make_error(Status::kDamaged, file + ": " + report.error().message, Cause::kStore);
  return report;
}

Result<void> check_models(const FleetStore& store, BackupReport& report) {
  for (coordinator::Page page;;) {
    const auto models = store.models(page);
    if (!models) return models.error();
    if (models->empty()) return {};
    for (const auto& row : *models) {
      const auto content = store.model_file(row.number);
      if (!content) return content.error();
      const Bytes bytes{content->data(), content->size()};
      const model::ByteSource source = model::source_of(bytes);
      model::ModelInfo info;
      char hex[2 * crypto::kDigestBytes + 1] = "";
      if (model::inspect(source, info) == Status::kOk) crypto::to_hex(info.digest, hex);
      if (row.sha256 != hex) return damaged("fleet.db", "model " + std::to_string(row.number) + " is damaged");
      ++report.models;
    }
    page.after = models->back().number;
  }
}

/// The stores: SQLite's own check, their formats, the models.
Result<void> check_state(const std::string& state, BackupReport& report) {
  const std::string fleet = state + "/fleet.db";
  auto done = coordinator::check_database(fleet);
  if (!done) return done;
  const auto store = FleetStore::open_to_read(fleet);
  if (!store) return store.error();
  const auto name = store->fleet();
  if (!name) return name.error();
  if (*name != report.fleet) return damaged(fleet, "is of the fleet '" + *name + "', not '" + report.fleet + "'");
  done = check_models(*store, report);
  std::error_code code;
  for (auto run = fs::directory_iterator(state + "/runs", code); done && !code && run != fs::directory_iterator();
       run.increment(code)) {
    const std::string path = (run->path() / "store.db").string();
    if (!fs::exists(path, code)) continue;
    done = coordinator::check_database(path);
    if (!done) return done;
    const auto opened = Store::open_to_read(path);
    if (!opened) return opened.error();
    ++report.runs;
  }
  return done;
}

Result<void> mark_restored(const std::string& state, const std::string& fleet) {
  auto store = FleetStore::open(state + "/fleet.db", fleet);
  if (!store) return store.error();
  return store->note_restored(utc_now());
}

Result<void> sync_all(const std::string& root) {
  std::error_code code;
  for (auto entry = fs::recursive_directory_iterator(root, code); !code && entry != fs::end(entry);
       entry.increment(code)) {
    if (!entry->is_directory(code)) continue;
    const auto done = sync_folder(entry->path().string());
    if (!done) return done;
  }
  return sync_folder(root);
}

}  // namespace

Result<BackupReport> restore_backup(const std::string& file, const std::string& folder,
                                    const std::function<Result<void>(const std::string&)>& finish) {
  std::string root = fs::absolute(folder).lexically_normal().string();
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  std::error_code code;
  if (fs::exists(root, code) && !(fs::is_directory(root, code) && fs::is_empty(root, code))) {
    return make_error(Status::kInvalidArgument,
                      root + ": is not empty, and nothing in it was changed; name another folder, or move it away");
  }
  const Unfinished unfinished(root + ".unfinished");
  unfinished.remove();  // of a command that was interrupted
  auto done = make_folder(unfinished.path());
  if (!done) return done.error();
  auto report = extract_all(file, unfinished.path());
  if (!report) return report;
  const std::string state = unfinished.path() + "/" + kStateName;
  done = check_state(state, *report);
  if (!done) {
    return make_error(Status::kDamaged, file + ": " + done.error().message, Cause::kStore);
  }
  done = mark_restored(state, report->fleet);
  if (done && finish) done = finish(unfinished.path());
  if (done) done = sync_all(unfinished.path());
  if (done && fs::is_directory(root, code)) fs::remove(root, code);  // it is empty
  if (done) done = move_folder(unfinished.path(), root, Occupied::kRefuse);
  if (!done) return done.error();
  return report;
}

}  // namespace skink::backup
