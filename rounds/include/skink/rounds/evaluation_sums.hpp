#pragma once
/// @file
/// The sums of a federated evaluation: how parts of it add up, and what a device may claim. 64-bit and saturating, so
/// that no legal setting wraps and the order of the parts does not matter.

#include <cstdint>
#include <vector>

#include "skink/common/wire/messages.hpp"

namespace skink::rounds {

/// What one device of an evaluation was asked for.
struct EvaluationRequest {
  std::uint32_t tasks = 0;
  std::uint64_t query_samples_per_task = 0;  ///< at most
};

/// total += part. Losses saturate at 2^64 - 1.
void add(const wire::Evaluation& part, wire::Evaluation& total);

/// Could an honest device report this? Exactly the tasks that were asked for, at most their query samples, no more
/// correct predictions than samples, no more diverged tasks than tasks, and losses that so many samples can have.
bool is_plausible(const wire::Evaluation& report, const EvaluationRequest& request);

/// As numbers that MPI ranks can add up: each sum is two words of 32 bits, so that ranks cannot overflow them.
std::vector<std::int64_t> to_words(const wire::Evaluation& sums);
/// The sums of to_words() of up to 2^31 ranks. Losses saturate at 2^64 - 1.
/// @param[in] words  as many as to_words() has.
wire::Evaluation from_words(const std::vector<std::int64_t>& words);

}  // namespace skink::rounds
