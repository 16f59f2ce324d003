#pragma once
/// @file
/// An open SQLite file: write-ahead log and synchronous FULL, so that what was committed survives a crash of the
/// process and of the machine. Private to the stores.

#include <memory>
#include <string>

#include "skink/host/files/folder_lock.hpp"
#include "skink/host/result.hpp"

struct sqlite3;

namespace skink::coordinator::internal {

/// One thread at a time. Errors are kUnavailable and say what to do.
class Database {
 public:
  /// For writing; creates the file and its folder. One process at a time.
  /// @param[in] schema  creates the tables that are not there
  static Result<std::unique_ptr<Database>> open(const std::string& path, const char* schema);
  /// For reading, also while another process writes. An absent file is an error.
  static Result<std::unique_ptr<Database>> open_to_read(const std::string& path);

  sqlite3* get() const { return database_.get(); }
  const std::string& path() const { return path_; }
  Result<void> execute(const char* sql) const;
  /// Calls `work` in a transaction: durable when this returns without an error, else nothing of it is stored.
  template <class Work>
  Result<void> transact(Work&& work) const {
    auto done = execute("BEGIN IMMEDIATE");
    if (!done) return done;
    done = work();
    if (done) done = execute("COMMIT");
    if (!done) (void)execute("ROLLBACK");
    return done;
  }
  /// The value of a key in the table meta; empty: there is none.
  Result<std::string> meta(const char* key) const;
  Result<void> set_meta(const char* key, const std::string& value) const;
  /// What SQLite says went wrong last.
  Error failure(const std::string& what) const;
  /// A value that no coordinator writes.
  Error damage(const std::string& what) const;

 private:
  struct Closer {
    void operator()(sqlite3* database) const noexcept;
  };
  Database(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  std::string path_;
  FolderLock lock_;  // of the path; a reader has none
  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace skink::coordinator::internal
