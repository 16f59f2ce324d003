#pragma once
/// @file
/// The sums of a federated evaluation: how parts of it add up, and what a device may claim. 64-bit and saturating, so
/// that no legal setting wraps and the order of the parts does not matter.

#include <cstdint>
#include <optional>
#include <vector>

#include "skink/common/wire/messages.hpp"
#include "skink/rounds/task_result.hpp"

namespace skink::rounds {

/// What one device of an evaluation was asked for.
struct EvaluationRequest {
  std::uint32_t tasks = 0;
  std::uint64_t query_samples_per_task = 0;  ///< at most
};

/// total += part. Losses saturate at 2^64 - 1.
void add(const wire::Evaluation& part, wire::Evaluation& total);

/// The report of a device that computed these tasks. Of a diverged one every query sample counts the largest loss and
/// nothing correct after adaptation (docs/arithmetic.md, section 7).
wire::Evaluation sum_of(const std::vector<TaskResult>& tasks);

/// Query samples of the tasks that diverged. Sums say how many tasks those were: where these are some of them, they are
/// taken to have as many samples as the others.
/// @returns nothing where they cannot.
std::optional<std::uint64_t> diverged_samples(const wire::Evaluation& sums);

/// Could an honest device report this? Exactly the tasks that were asked for, at most their query samples, no more
/// correct predictions than samples, no more diverged tasks than tasks, and losses that so many samples can have.
bool is_plausible(const wire::Evaluation& report, const EvaluationRequest& request);

}  // namespace skink::rounds
