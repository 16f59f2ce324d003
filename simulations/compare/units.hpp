#pragma once
/// @file
/// Figures of people, parts or tasks over several seeds, and what differs between two arms that share them.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "device_figures.hpp"
#include "skink/simulations/compare.hpp"

namespace skink::simulations {

/// By unit, then by the seed's place.
using Units = std::map<std::string, std::map<std::size_t, UnitFigure>>;

/// @param[in] runs  by seed
/// @param[in] unit  clients are the same in every seed; parts and tasks are others in each, and named after it
Units gather_units(const std::vector<RunFigures>& runs, const std::vector<std::uint64_t>& seeds, rounds::Unit unit);

/// Means over the seeds that have a figure; the gain over those that have both.
std::vector<UnitRow> rows_of(const Units& units);

/// Seed by seed where both arms have a figure after adaptation, then the mean over a unit's seeds.
/// @returns nothing where no unit has one in common.
std::optional<Difference> difference_of(const Units& base, const Units& arm, bool higher_is_better);

}  // namespace skink::simulations
