#pragma once
/// @file
/// summary.json of a finished run, as a sweep reads it back.

#include <string>

#include "skink/simulations/sweep.hpp"

namespace skink::simulations {

/// Of the fields of SweepRun those that summary.json has.
/// @throws std::exception if one is absent.
void take_summary(const std::string& text, SweepRun& run);

}  // namespace skink::simulations
