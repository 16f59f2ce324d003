#pragma once
/// @file
/// metrics.csv: one line for the initialization and one for each round, as docs/experiment-output.md describes them.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "skink/rounds/records.hpp"
#include "skink/rounds/round_history.hpp"

namespace skink::coordinator {

/// Makes the table part by part, so that its memory does not grow with the rounds. Borrows.
class MetricsTable {
 public:
  /// @param[in] evaluations  of the run; of two after one round the first counts.
  /// @param[in] loss         what is learned: accuracy is of classifiers.
  MetricsTable(const rounds::RoundHistory& rounds, const std::vector<rounds::EvaluationRecord>& evaluations,
               nn::Loss loss);

  /// The next lines, some 64 KiB, valid until the next call; columns of an evaluation are empty where none was made,
  /// and its figures where nobody answered it.
  /// @returns false, with an empty part, at the end.
  bool next(std::string_view& part);

 private:
  std::string evaluation_columns(std::uint32_t rounds_done) const;
  std::string figure_columns(std::uint32_t rounds_done) const;

  rounds::RoundHistory::Reader reader_;
  std::unordered_map<std::uint32_t, const rounds::EvaluationRecord*> evaluations_;  // by rounds done
  bool classifies_;
  std::string part_;
  bool has_begun_ = false;
};

}  // namespace skink::coordinator
