/// @file
/// How devices behave, in a fleet's store.

#include "database.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "statement.hpp"

namespace skink::coordinator {

using internal::Statement;

Result<void> FleetStore::note_conduct(const std::vector<DeviceConduct>& rows) {
  if (rows.empty()) return {};
  return database_->transact([&]() -> Result<void> {
    for (const DeviceConduct& row : rows) {
      Statement insert(database_->get(), "INSERT OR REPLACE INTO conduct VALUES(?, ?, ?, ?, ?, ?)");
      insert.bind(std::string_view(row.id)).bind(row.updates).bind(row.misses).bind(row.clipped);
      if (!insert.bind(row.length).bind(row.gain).run()) return database_->failure("a device cannot be written");
    }
    return {};
  });
}

Result<std::vector<DeviceConduct>> FleetStore::conduct() const {
  Statement row(database_->get(), "SELECT id, updates, misses, clipped, length, gain FROM conduct ORDER BY id");
  std::vector<DeviceConduct> rows;
  while (row.next()) {
    rows.push_back({row.text(0), row.large(1), row.large(2), row.large(3), row.real_or_null(4), row.real_or_null(5)});
  }
  if (!row.ok()) return database_->failure("the devices cannot be read");
  return rows;
}

}  // namespace skink::coordinator
