#pragma once
/// @file
/// The first of the passes over a CSV file: what there is.

#include <cstdint>
#include <string>
#include <vector>

#include "names.hpp"
#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"
#include "storage.hpp"
#include "windows.hpp"

namespace skink::simulations {

struct Survey {
  Columns columns;
  std::uint64_t windows = 0;
  std::size_t values = 0;  ///< of a window
  std::vector<std::size_t> shape;
  Names labels;
  Names devices;
  std::vector<double> first_times_s;  ///< of each device, by its number
  std::vector<Range> channels;
  RawLogCounts raw;
  std::uint64_t empty_rows = 0;
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
};

/// @returns kInvalidArgument for a shape that the windows do not have; kDamaged for a file without windows or with more
///          labels or devices than u16 counts.
Result<Survey> survey(const ImportOptions& options, const Watch& watch);

}  // namespace skink::simulations
