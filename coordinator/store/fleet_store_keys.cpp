/// @file
/// Requests that a fleet's store remembers, so that one which is repeated makes nothing twice.

#include "database.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::Statement;

constexpr std::uint32_t kMostKeys = 10'000;

}  // namespace

Result<void> FleetStore::note_key(const std::string& kind, const std::string& key, std::uint32_t number) {
  return database_->transact([&]() -> Result<void> {
    Statement insert(database_->get(), "INSERT OR IGNORE INTO request_keys(kind, key, number) VALUES(?, ?, ?)");
    insert.bind(std::string_view(kind)).bind(std::string_view(key));
    if (!insert.bind(number).run()) return database_->failure("the request's key cannot be written");
    Statement prune(database_->get(), "DELETE FROM request_keys WHERE id <= (SELECT MAX(id) FROM request_keys) - ?");
    if (!prune.bind(kMostKeys).run()) return database_->failure("the request's key cannot be written");
    return {};
  });
}

Result<std::uint32_t> FleetStore::number_of_key(const std::string& kind, const std::string& key) const {
  if (key.empty()) return 0U;
  Statement row(database_->get(), "SELECT number FROM request_keys WHERE kind = ? AND key = ?");
  const std::uint32_t number = row.bind(std::string_view(kind)).bind(std::string_view(key)).next() ? row.count(0) : 0;
  if (!row.ok()) return database_->failure("the requests' keys cannot be read");
  return number;
}

}  // namespace skink::coordinator
