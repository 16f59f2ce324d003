#pragma once
/// @file
/// `skink-coordinator run`: one run to its end, with its results.

#include <atomic>
#include <string>
#include <vector>

#include "skink/coordinator/service/settings.hpp"
#include "skink/host/config/overrides.hpp"

namespace skink::gateway {

/// Leads the run that the settings name until it is over, or `stopped`.
/// @param[in] updates  file that gets a line for every update that is taken; empty: none
/// @returns the program's exit code; what went wrong is in the log.
int lead_run(const coordinator::Settings& settings, const std::vector<Override>& overrides, const std::string& updates,
             const std::atomic<bool>& stopped);

}  // namespace skink::gateway
