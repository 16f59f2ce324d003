#pragma once
/// @file
/// Writes recordings (recording.hpp): the tasks that one device of an experiment will get, drawn as the simulator and
/// host clients draw them.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/strategies.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::edge {

/// The tasks wanted, in any order. A key of kAdapt whose round is recording::kAnyRound serves every round.
/// Inputs are stored as bytes when all of them are whole numbers 0..255, else as float32.
///
/// @returns The recording, which edge::Recording reads. kInvalidArgument when it has more inputs or samples than a
///          recording may have (recording::kMaxInputs, kMaxSamples), or is longer than the 4 GiB that its offsets
///          reach.
Result<std::vector<std::uint8_t>> record_tasks(const TaskGenerator& generator, std::vector<TaskKey> keys,
                                               LearnsFrom from = LearnsFrom::kSupport);

}  // namespace skink::edge
