#include "skink/rounds/records.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/rounds/evaluation_sums.hpp"

namespace skink::rounds {
namespace {

std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> EvaluationRecord::loss_before() const {
  if (total.query_samples == 0) return std::nullopt;
  return arithmetic::loss_from_fixed_point(total.loss_before, total.query_samples);
}

/// The sum has 2^20 for each query sample of a task that diverged (docs/arithmetic.md, section 7).
std::optional<double> EvaluationRecord::loss_after() const {
  if (total.query_samples == 0 || total.tasks == 0) return std::nullopt;
  if (total.diverged_tasks == 0) return arithmetic::loss_from_fixed_point(total.loss_after, total.query_samples);
  const std::optional<std::uint64_t> lost = figures.units > 0 ? figures.diverged_samples : diverged_samples(total);
  if (!lost || total.diverged_tasks >= total.tasks) return std::nullopt;
  const std::uint64_t lost_loss = arithmetic::largest_loss_sum(*lost);
  const bool is_saturated = total.loss_after == ~std::uint64_t{0};
  if (is_saturated || *lost >= total.query_samples || total.loss_after < lost_loss) return std::nullopt;
  return arithmetic::loss_from_fixed_point(total.loss_after - lost_loss, total.query_samples - *lost);
}

std::optional<double> EvaluationRecord::accuracy_before() const {
  return share(total.correct_before, total.query_samples);
}
std::optional<double> EvaluationRecord::accuracy_after() const {
  return share(total.correct_after, total.query_samples);
}

}  // namespace skink::rounds
