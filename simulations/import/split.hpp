#pragma once
/// @file
/// Which devices, or which labels, are for training, validation and testing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

/// Deals `count` things to the three splits by a shuffle that depends on the seed and the count alone. A fraction above
/// 0 gets at least one.
/// @param[in] validation, test  Fractions, 0 or more, below 1 together.
/// @param[in] what              "devices", for messages.
/// @returns the split of each; kInvalidArgument for fractions out of range, or where nothing is left for training.
Result<std::vector<Split>> deal_splits(std::size_t count, double validation, double test, std::uint64_t seed,
                                       const std::string& what);

}  // namespace skink::simulations
