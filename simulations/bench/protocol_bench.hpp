#pragma once
/// @file
/// Rounds of the protocol engine, with all their messages, for `skink-sim bench`.

#include <optional>

#include "skink/simulations/bench.hpp"

namespace skink::simulations {

/// An experiment on sine tasks with such a network. Null: the network has not one input and one output.
std::optional<Experiment> protocol_case(const BenchNet& net, std::uint32_t support_size);

/// Measures it on so many threads, ratio_to_scalar and fraction_of_peak left out. Errors: it ends with another model
/// than the learning engine.
Result<BenchRow> measure_protocol(const Experiment& experiment, std::uint32_t threads, const BenchOptions& options);

}  // namespace skink::simulations
