#pragma once
/// @file
/// What a simulation on a data set adds to the results: who took part, and what single tasks came to.

#include <string>

#include "skink/coordinator/results/figures.hpp"
#include "skink/coordinator/results/summary.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::simulations {

/// Who has which records, who is left out, and which classes the last evaluation has judged nothing of.
void describe_clients(const TaskGenerator& tasks, const rounds::TaskResults& results, coordinator::Summary& summary);

/// devices.csv, and with fixed labels confusion.csv, of the last evaluation; nothing where there was none.
Result<void> write_figures(const std::string& folder, const rounds::TaskResults& results, const Experiment& experiment,
                           const coordinator::Clients& clients, const TaskGenerator& tasks);

}  // namespace skink::simulations
