/// @file
/// Renewals of devices' certificates in a fleet's store.

#include <algorithm>
#include <array>

#include "database.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "statement.hpp"

namespace skink::coordinator {
namespace {

using internal::Statement;

constexpr std::array<const char*, 4> kPhases{"asked", "issued", "done", "refused"};

}  // namespace

const char* renewal_phase_text(RenewalPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

Result<void> FleetStore::note_renewal(const RenewalRow& renewal) {
  return database_->transact([&]() -> Result<void> {
    Statement row(database_->get(), "INSERT OR REPLACE INTO renewals VALUES(?, ?, ?, ?, ?, ?, ?)");
    row.bind(std::string_view(renewal.device)).bind(renewal.number);
    row.bind(std::string_view(renewal_phase_text(renewal.phase))).bind(std::string_view(renewal.reason));
    row.bind(renewal.certificate).bind(std::string_view(renewal.valid_until)).bind(std::string_view(renewal.since));
    return row.run() ? Result<void>() : database_->failure("the renewal cannot be written");
  });
}

Result<std::vector<RenewalRow>> FleetStore::renewals(const std::string& after, std::uint32_t limit) const {
  std::vector<RenewalRow> renewals;
  Statement row(database_->get(),
                "SELECT device, number, phase, reason, certificate, valid_until, since FROM renewals WHERE device > ? "
                "ORDER BY device LIMIT ?");
  row.bind(std::string_view(after)).bind(limit);
  while (row.next()) {
    RenewalRow renewal{row.text(0), row.count(1), {}, row.text(3), row.blob(4), row.text(5), row.text(6)};
    const auto phase = std::find(kPhases.begin(), kPhases.end(), row.text(2));
    if (phase == kPhases.end()) return database_->damage("the phase of a renewal");
    renewal.phase = static_cast<RenewalPhase>(phase - kPhases.begin());
    renewals.push_back(std::move(renewal));
  }
  if (!row.ok()) return database_->failure("the renewals cannot be read");
  return row.in_range() ? Result<std::vector<RenewalRow>>(std::move(renewals)) : database_->damage("a renewal");
}

}  // namespace skink::coordinator
