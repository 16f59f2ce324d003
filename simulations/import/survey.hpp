#pragma once
/// @file
/// The first of the two passes over a CSV file: what there is.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"
#include "storage.hpp"
#include "windows.hpp"

namespace skink::simulations {

/// Texts and the windows of each, sorted by their bytes.
using Counts = std::map<std::string, std::uint64_t, std::less<>>;

struct Survey {
  std::uint64_t windows = 0;
  Counts labels;
  Counts devices;
  Range range;                ///< of all values
  std::vector<Range> ranges;  ///< of each column
};

/// Called after each window; an error stops the import.
using Watch = std::function<Result<void>(const WindowReader&, std::uint64_t windows)>;

/// @returns kDamaged for a file without windows or with more labels or devices than u16 counts.
Result<Survey> survey(const ImportOptions& options, const Watch& watch);

}  // namespace skink::simulations
