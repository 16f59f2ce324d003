#pragma once
/// @file
/// What the device-rounds of a run would cost on the network.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::simulations {

/// Sums from the first round on, of devices that adapt; evaluations are not in them. Host devices, no faults:
/// wire_cost.hpp.
struct WireTotals {
  std::uint32_t rounds = 0;         ///< that these are of
  std::uint64_t device_rounds = 0;  ///< devices that were asked
  std::uint64_t encoded_bytes = 0;  ///< changes, without anything around them
  std::uint64_t up_bytes = 0;       ///< of IP packets, device to broker
  std::uint64_t down_bytes = 0;     ///< broker to device

  friend bool operator==(const WireTotals&, const WireTotals&) = default;
};

/// They and what an evaluation measured then.
struct WireRow {
  WireTotals totals;
  std::optional<double> loss_after;      ///< nothing: no task had one
  std::optional<double> accuracy_after;  ///< nothing for a regression, too
};

/// <folder>/wire.csv
std::string wire_path(const std::string& folder);

/// The text of wire.csv: a heading and a line for each row.
std::string wire_csv(const std::vector<WireRow>& rows);

/// Errors: kUnavailable, kDamaged.
Result<std::vector<WireRow>> read_wire(const std::string& path);

}  // namespace skink::simulations
