#pragma once
/// @file
/// Options of an import that contradict themselves, before anything is read.

#include <string>

#include "skink/host/result.hpp"
#include "skink/simulations/import.hpp"

namespace skink::simulations {

/// @returns kInvalidArgument with the option.
Result<void> check_options(const ImportOptions& options);

/// "data/hand/" as "data/hand".
std::string cleaned_folder(const std::string& folder);

}  // namespace skink::simulations
