#pragma once
/// @file
/// Deals records out to devices: docs/arithmetic.md, section 10. Exact, reproducible and total: nothing is drawn again.
/// Include from .cpp files only.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/experiment.hpp"

namespace skink::internal {

/// A record and the place of its class among those that take part.
struct ClassedRecord {
  std::uint32_t record = 0;
  std::uint16_t output = 0;
};

/// What is dealt, and to how many.
struct Deal {
  const PartitionConfig* config = nullptr;  ///< of a kind other than kNatural
  std::uint64_t seed = 0;
  std::uint32_t side = 0;                               ///< 0 to devices that train, 1 to those that are held out
  std::uint32_t devices = 0;                            ///< at least 1
  std::uint32_t classes = 0;                            ///< outputs are below
  const std::vector<ClassedRecord>* records = nullptr;  ///< ascending
};

/// The records of each device, ascending. Records of classes that no device holds (kClasses) are in none.
/// @param[in] deal  with at least config->least * devices records, and no more classes_per_device than classes.
std::vector<std::vector<std::uint32_t>> deal_out(const Deal& deal);

}  // namespace skink::internal
