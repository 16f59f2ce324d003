#pragma once
/// @file
/// The dataset.json that an import writes (docs/data.md).

#include <string>

#include "skink/simulations/import.hpp"
#include "survey.hpp"

namespace skink::simulations {

/// @param[in] name  Of the data set.
std::string description_of(const ImportReport& report, const ImportOptions& options, const Survey& survey,
                           const std::string& name);

/// How many of the following windows of a device share readings with one.
std::size_t overlap_of(const RawLogOptions& raw);

}  // namespace skink::simulations
