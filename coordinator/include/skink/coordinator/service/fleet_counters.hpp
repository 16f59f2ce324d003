#pragma once
/// @file
/// What a service has counted since it started, for metrics. Plain values, on the service's thread.

#include <array>
#include <cstdint>
#include <optional>

#include "skink/coordinator/core/coordinator.hpp"
#include "skink/rounds/records.hpp"

namespace skink::coordinator {

inline constexpr std::array<double, 10> kRoundBoundsS{0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120, 600};
inline constexpr std::array<double, 12> kOverheadBoundsS{0.001, 0.002, 0.005, 0.01, 0.02, 0.03,
                                                         0.05,  0.075, 0.1,   0.25, 0.5,  1};

/// How long something took: counts of those up to each bound, and of all.
/// @tparam bounds_s  upper bounds of the buckets, ascending
template <const auto& bounds_s>
struct DurationHistogram {
  static constexpr const auto& kBoundsS = bounds_s;
  std::array<std::uint64_t, bounds_s.size()> up_to{};  ///< cumulative
  std::uint64_t count = 0;
  double sum_s = 0;

  /// One more.
  void add(double seconds) {
    for (std::size_t i = 0; i < up_to.size(); ++i) up_to[i] += static_cast<std::uint64_t>(seconds <= kBoundsS[i]);
    ++count;
    sum_s += seconds;
  }
};

/// Counters of one process; they begin with 0 at its start.
struct FleetCounters {
  DurationHistogram<kRoundBoundsS> rounds;
  /// Of each round: from its last answer until it was decoded, summed up and durable, and the next devices were asked.
  DurationHistogram<kOverheadBoundsS> overheads;
  std::uint64_t updates = 0;                                ///< changes that were taken
  std::uint64_t replaced = 0;                               ///< slots that went to another device
  std::uint64_t diverged = 0;                               ///< devices that reported divergence
  std::uint64_t refused = 0;                                ///< changes that were refused for good
  std::uint64_t missing = 0;                                ///< held-out devices that did not report
  std::uint64_t connections_lost = 0;                       ///< to the broker
  std::optional<rounds::EvaluationRecord> last_evaluation;  ///< without reports
  bool classifies = false;                                  ///< it has an accuracy
};

}  // namespace skink::coordinator
