#pragma once
/// @file
/// Which numbers a network sees, and is to give: why an experiment learns nothing is often that they are too large.

#include <optional>

#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// Over all numbers of all samples of training: inputs, or targets.
struct InputRange {
  double least = 0;  ///< after [model] input_scale and input_offset, or [task] target_scale and target_offset
  double most = 0;
  double stored_mean = 0;       ///< before them
  double stored_deviation = 0;  ///< standard deviation, likewise

  double largest() const { return -least > most ? -least : most; }  ///< magnitude
};

/// The range of an experiment's inputs. Cost: a pass over the data set.
/// @param[in] dataset  that of its tasks; null where they need none.
InputRange input_range(const Experiment& experiment, const Dataset* dataset);

/// The range of what a regression on a data set has to give; nothing for other experiments.
std::optional<InputRange> target_range(const Experiment& experiment, const Dataset* dataset);

/// Of what a network sees, and of what it is to give; nothing: only the devices know, or there are no targets.
struct DataRanges {
  std::optional<InputRange> inputs = std::nullopt;
  std::optional<InputRange> targets = std::nullopt;
};

/// Both ranges. @param[in] dataset  as for input_range().
DataRanges data_ranges(const Experiment& experiment, const Dataset* dataset);

}  // namespace skink
