#pragma once
/// @file
/// The tasks that one device of an experiment will get, for a device that cannot draw them itself (firmware in an
/// emulator or on a bench).

#include <cstdint>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::simulations {

/// All tasks of the device with this index (its place in the sorted roster): one for every round it may be asked in,
/// or, if it is held out, its part of every evaluation. It does not know the tasks of a device that it might replace in
/// an evaluation.
///
/// @param[in] device_index  below experiment.fleet.devices.
std::vector<TaskKey> tasks_of_device(const Experiment& experiment, std::uint32_t device_index);

/// Adds evaluation task 0, unless it is there: what a client adapts to when its application says so. No round asks a
/// device that trains for it.
void add_own_samples(const Experiment& experiment, std::vector<TaskKey>& keys);

}  // namespace skink::simulations
