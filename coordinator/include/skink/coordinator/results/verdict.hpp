#pragma once
/// @file
/// What a run's user has to be told at its end, beside its figures: that nothing was learned, and why; or what did not
/// count.

#include <cstdint>
#include <string>

#include "skink/coordinator/results/summary.hpp"
#include "skink/host/experiment/input_range.hpp"

namespace skink::coordinator {

/// Of a run that has ended.
struct Verdict {
  bool has_learned = true;
  std::string text;  ///< lines without the last end; empty: nothing has to be said. Otherwise the cause and the remedy
};

/// Nothing was learned when there were rounds that ask devices and no update of any was taken, or when every task of
/// the last evaluation diverged.
///
/// Of a run that has learned: what did not count and what helps, and inputs so large that no usual rate fits them.
///
/// @param[in] ranges  of what the network saw and was to give; empty where only the devices know.
Verdict verdict_of(const Summary& summary, const Experiment& experiment, const DataRanges& ranges);

/// That windows which share readings were on both sides of a task, and the remedy.
///
/// @param[in] readings  Summary::shared_readings, not 0.
std::string shared_readings_text(std::uint64_t readings);

}  // namespace skink::coordinator
