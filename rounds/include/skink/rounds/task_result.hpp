#pragma once
/// @file
/// What single tasks of an evaluation came to, so that a spread over people or machines can be told from one over
/// tasks. Integers are sums in fixed point (docs/arithmetic.md, section 7). All numbers are the same however a run is
/// computed.

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace skink::rounds {

/// Of one query set with one set of parameters.
struct TaskScore {
  std::uint64_t correct = 0;  ///< classification
  std::uint64_t loss = 0;     ///< sum over samples, units of 2^-20
  /// Regression: sums over samples, one after the other, of the mean over outputs. Not cut, as a loss is.
  double squared_error = 0;
  double absolute_error = 0;
  /// Reconstruction with a normal class: area under the ROC curve of the loss as anomaly score, and the part of it up
  /// to a false positive rate of 0.1, divided by 0.1. NaN: not measured, or one of both classes is absent.
  double auc = std::numeric_limits<double>::quiet_NaN();
  double partial_auc = std::numeric_limits<double>::quiet_NaN();
};

/// One task.
struct TaskResult {
  std::uint32_t number = 0;
  std::uint32_t client = 0;  ///< its place among those of the side; 0 where there are none
  std::uint32_t support_samples = 0;
  std::uint32_t query_samples = 0;
  bool diverged = false;  ///< `after` says nothing
  TaskScore before;
  TaskScore after;
  TaskScore persistence;  ///< regression with [task] persistence: loss and absolute error of that forecast
};

/// How often class `wanted` was taken for class `answered`: [wanted * classes + answered].
struct Confusion {
  std::uint32_t classes = 0;  ///< 0: not counted
  std::vector<std::uint64_t> counts;

  /// Not counted, or nothing counted yet.
  Confusion() = default;
  /// @param[in] of  classes
  explicit Confusion(std::uint32_t of) : classes(of), counts(std::size_t{of} * of, 0) {}
  /// One answer; both are below `classes`.
  void add(std::uint32_t wanted, std::uint32_t answered) { ++counts[std::size_t{wanted} * classes + answered]; }
};

/// All tasks of an evaluation, by number. Diverged tasks are not in `after`.
struct TaskResults {
  std::vector<TaskResult> tasks;
  Confusion before;
  Confusion after;
};

/// total += part. Both of as many classes.
void add(const Confusion& part, Confusion& total);

/// A task's result as numbers that MPI ranks can add up when all but one have zeros, which null stands for; and back.
/// @returns after the numbers that were read
void append_words(const TaskResult* result, std::vector<std::int64_t>& words);
const std::int64_t* read_words(const std::int64_t* words, TaskResult& result);

/// Mean over classes of the F1 score, 0..1: of the classes that occur, among what is wanted or what is answered.
/// NaN when nothing was counted.
double macro_f1(const Confusion& confusion);

/// A sample's anomaly score and whether it is an anomaly.
struct ScoredSample {
  float score = 0;
  bool is_anomaly = false;
};

/// Area under the ROC curve up to a false positive rate of `most`, divided by it: 1 for a perfect ranking. Ties count
/// half. NaN when one of both classes is absent, or a score is not a number. Reorders the samples.
/// @param[in] most  above 0, at most 1
double area_under_roc(std::vector<ScoredSample>& samples, double most);

}  // namespace skink::rounds
