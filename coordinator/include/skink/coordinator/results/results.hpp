#pragma once
/// @file
/// What a run leaves in its folder: summary.json, metrics.csv, devices.csv of a fleet and model.skm, as
/// docs/experiment-output.md describes them.

#include <string>
#include <vector>

#include "skink/coordinator/results/metrics.hpp"
#include "skink/coordinator/results/summary.hpp"
#include "skink/host/result.hpp"

namespace skink::coordinator {

/// Makes the folder if need be; files of an earlier run are replaced one by one, durably, summary.json last and only if
/// all others were.
/// @returns kUnavailable for the first file that cannot be written, which the message names; others are tried.
Result<void> write_results(const std::string& folder, const RunState& state, const Summary& summary,
                           const rounds::RoundHistory& rounds);

/// A model file, to `path`, durably. Errors: kUnavailable when it cannot be written.
Result<void> write_model(const std::string& path, const std::vector<std::uint8_t>& model_file);

}  // namespace skink::coordinator
