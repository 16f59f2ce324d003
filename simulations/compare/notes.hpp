#pragma once
/// @file
/// What has to be said of a comparison beside its figures.

#include "skink/simulations/compare.hpp"

namespace skink::simulations {

/// Adds the sentences to result.notes: arms that came to the same, that other tasks judge, whose units or updates are
/// missing, and figures that are too good. The rows are complete.
void add_notes(const CompareOptions& options, CompareResult& result);

}  // namespace skink::simulations
