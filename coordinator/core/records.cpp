#include "skink/coordinator/core/records.hpp"

#include "skink/common/arithmetic/fixed_point.hpp"

namespace skink::coordinator {
namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

const char* event_text(EventKind kind) {
  switch (kind) {
    case EventKind::kReplaced: return "replaced";
    case EventKind::kDropped: return "dropped";
    case EventKind::kDiverged: return "diverged";
    case EventKind::kRefused: return "refused";
    case EventKind::kMissing: return "missing";
    case EventKind::kLateJoin: return "late_join";
    case EventKind::kForgot: return "forgot";
    case EventKind::kSamples: return "samples";
  }
  return "unknown";
}

double EvaluationRecord::loss_before() const {
  return arithmetic::loss_from_fixed_point(total.loss_before, total.query_samples);
}
double EvaluationRecord::loss_after() const {
  return arithmetic::loss_from_fixed_point(total.loss_after, total.query_samples);
}
double EvaluationRecord::accuracy_before() const { return share(total.correct_before, total.query_samples); }
double EvaluationRecord::accuracy_after() const { return share(total.correct_after, total.query_samples); }

}  // namespace skink::coordinator
