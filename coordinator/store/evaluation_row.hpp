#pragma once
/// @file
/// Columns that several tables of a run's store have. Private to the store.

#include "skink/rounds/records.hpp"
#include "statement.hpp"

namespace skink::coordinator::internal {

/// Of three columns from `first` on.
inline rounds::Traffic read_traffic(Statement& row, int first) {
  return {row.large(first), row.large(first + 1), row.large(first + 2)};
}

/// Of seven columns from `first` on.
inline wire::Evaluation read_sums(Statement& row, int first) {
  wire::Evaluation sums{};
  sums.tasks = row.large(first);
  sums.query_samples = row.large(first + 1);
  sums.correct_before = row.large(first + 2);
  sums.correct_after = row.large(first + 3);
  sums.loss_before = row.large(first + 4);
  sums.loss_after = row.large(first + 5);
  sums.diverged_tasks = row.large(first + 6);
  return sums;
}

}  // namespace skink::coordinator::internal
