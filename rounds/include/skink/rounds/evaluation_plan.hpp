#pragma once
/// @file
/// Federated evaluations: when one is due, how many tasks it has, and which held-out device computes which of them.
/// Pure functions of the experiment. docs/experiment.md, section `[evaluation]`.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/rounds/records.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::rounds {

/// Whether the model after `rounds_done` rounds is to be evaluated now: before the first round, every
/// `evaluation.every` rounds, and after the last; never twice, and not without held-out devices or tasks.
///
/// @param[in] evaluations  those that were made, in order.
bool evaluation_is_due(const Experiment& experiment, std::uint32_t rounds_done,
                       const std::vector<EvaluationRecord>& evaluations);

/// How many tasks the evaluation after `rounds_done` rounds has.
std::uint32_t evaluation_tasks(const Experiment& experiment, std::uint32_t rounds_done);

/// How devices adapt in an evaluation.
InnerLoop evaluation_loop(const Experiment& experiment);

/// Tasks first, first + step, ...: `count` of them.
struct TaskShare {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t step = 1;
};

/// The part of `tasks` that the held-out device at `place` of `devices` computes: place, place + devices, ... So a
/// device that is one client of a data set gets that client's tasks (docs/arithmetic.md, section 10).
/// @param[in] place  below `devices`, which is at least 1.
TaskShare evaluation_share(std::uint32_t tasks, std::uint64_t place, std::uint64_t devices);

/// Does a task follow from its number alone, so that any device computes the same? Not the tasks of a data set's
/// clients, and not those that are a device's for good.
bool evaluation_tasks_are_anybodys(const Experiment& experiment);

}  // namespace skink::rounds
