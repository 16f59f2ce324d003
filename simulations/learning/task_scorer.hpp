#pragma once
/// @file
/// Scores query samples one after the other: what a device counts, and what only a simulation looks at.

#include <cstdint>
#include <vector>

#include "skink/host/experiment/tasks.hpp"
#include "skink/rounds/task_result.hpp"

namespace skink::simulations {

/// The answers to one query sample. Numbers of outputs and targets are `stride` apart.
struct Answer {
  float loss = 0;
  const float* outputs = nullptr;  ///< [output_size]
  const float* targets = nullptr;  ///< [target_size]
  std::size_t stride = 1;
  bool is_anomaly = false;
};

/// One query set. Used again and again.
class TaskScorer {
 public:
  /// Borrows the network.
  TaskScorer(const Experiment& experiment, const nn::Network& network);

  /// A confusion matrix of the right size.
  rounds::Confusion confusion() const;

  void begin();
  void add(const Answer& answer);
  /// What came since begin().
  rounds::TaskScore score();
  /// Adds the answers since begin() to a matrix.
  void count(rounds::Confusion& confusion) const;

 private:
  std::uint32_t answered_class(const Answer& answer) const;

  const nn::Network& network_;
  bool classifies_;
  bool confuses_;  // labels mean the same in every task
  bool finds_anomalies_;
  rounds::TaskScore score_;
  std::vector<rounds::ScoredSample> scored_;
  std::vector<std::uint32_t> answers_;  // wanted * classes + answered
};

}  // namespace skink::simulations
