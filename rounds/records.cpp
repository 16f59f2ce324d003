#include "skink/rounds/records.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::rounds {
namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double EvaluationRecord::loss_before() const {
  return arithmetic::loss_from_fixed_point(total.loss_before, total.query_samples);
}
double EvaluationRecord::loss_after() const {
  return arithmetic::loss_from_fixed_point(total.loss_after, total.query_samples);
}
double EvaluationRecord::accuracy_before() const { return share(total.correct_before, total.query_samples); }
double EvaluationRecord::accuracy_after() const { return share(total.correct_after, total.query_samples); }

}  // namespace skink::rounds
