#include "skink/coordinator/store/database_file.hpp"

#include "database.hpp"
#include "statement.hpp"

namespace skink::coordinator {

using internal::Database;
using internal::Statement;

Result<void> copy_database(const std::string& from, const std::string& to) {
  const auto database = Database::open_to_read(from);
  if (!database) return database.error();
  Statement copy((*database)->get(), "VACUUM INTO ?");
  if (!copy.bind(std::string_view(to)).run()) return (*database)->failure("cannot be copied to " + to);
  return {};
}

Result<void> check_database(const std::string& path) {
  const auto database = Database::open_to_read(path);
  if (!database) return database.error();
  Statement row((*database)->get(), "PRAGMA integrity_check(1)");
  const std::string said = row.next() ? row.text(0) : "";
  if (!row.ok()) return (*database)->failure("cannot be read");
  if (said != "ok") return (*database)->damage(said);
  return {};
}

}  // namespace skink::coordinator
