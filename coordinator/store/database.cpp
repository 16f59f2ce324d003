#include "database.hpp"

#include <sqlite3.h>

#include <filesystem>

#include "skink/host/files/files.hpp"
#include "statement.hpp"

namespace skink::coordinator::internal {
namespace {

constexpr int kBusyMs = 5000;
// Of one connection, in KiB (2,000 else). A run's rows are written once and not read again, so a larger cache only
// makes the program grow for hours.
constexpr const char* kCacheSize = "PRAGMA cache_size=-256";

}  // namespace

void Database::Closer::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

Error Database::failure(const std::string& what) const {
  const int code = sqlite3_extended_errcode(get());
  std::string message = path_ + ": " + what + ": " + sqlite3_errmsg(get());
  if ((code & 0xff) == SQLITE_FULL) message += "; free disk space and start again, nothing committed is lost";
  if ((code & 0xff) == SQLITE_BUSY) message += "; another coordinator has it open";
  if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
    message += "; the file is damaged or not a store, name another one or restore a copy";
  }
  return make_error(Status::kUnavailable, message);
}

Error Database::damage(const std::string& what) const {
  return make_error(Status::kDamaged,
                    path_ + ": " + what + "; the file is damaged, restore a copy or name another one");
}

Result<void> Database::execute(const char* sql) const {
  if (sqlite3_exec(get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure("cannot be used");
  return {};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const char* schema) {
  const auto made = make_folder(std::filesystem::path(path).parent_path().string());
  if (!made) return made.error();
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (status != SQLITE_OK) return database->failure("cannot be opened");
  // Two coordinators on one run would publish for two.
  auto lock = FolderLock::take_file(path, "another coordinator has it open; stop that one first");
  if (!lock) return lock.error();
  database->lock_ = std::move(*lock);
  sqlite3_busy_timeout(handle, kBusyMs);  // readers hold short locks, also while the log is recovered
  for (const char* sql :
       {kCacheSize, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "BEGIN IMMEDIATE", schema, "COMMIT"}) {
    const auto done = database->execute(sql);
    if (!done) return done.error();
  }
  return database;
}

Result<std::unique_ptr<Database>> Database::open_to_read(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return make_error(Status::kUnavailable, path + ": there is no such store");
  if (std::filesystem::is_directory(path, code)) {
    return make_error(Status::kUnavailable, path + ": is a folder; name the file store.db of a run, below runs/ in it");
  }
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (status != SQLITE_OK) return database->failure("cannot be opened");
  sqlite3_busy_timeout(handle, kBusyMs);
  return database;
}

Result<std::string> Database::meta(const char* key) const {
  Statement statement(get(), "SELECT value FROM meta WHERE key = ?");
  statement.bind(std::string_view(key));
  std::string value;
  if (statement.next()) value = statement.text(0);
  if (!statement.ok()) return failure("cannot be read");
  return value;
}

Result<void> Database::set_meta(const char* key, const std::string& value) const {
  Statement statement(get(), "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
  if (!statement.bind(std::string_view(key)).bind(std::string_view(value)).run()) return failure("cannot be written");
  return {};
}

}  // namespace skink::coordinator::internal
