#include "skink/rounds/records.hpp"

#include <catch2/catch.hpp>

using namespace skink;
using rounds::EvaluationRecord;

namespace {

constexpr std::uint64_t kOne = std::uint64_t{1} << 20;       // a loss of 1
constexpr std::uint64_t kDiverged = std::uint64_t{1} << 40;  // a query sample of a task that diverged

EvaluationRecord record_of(const wire::Evaluation& total) {
  EvaluationRecord record;
  record.total = total;
  return record;
}

}  // namespace

TEST_CASE("records: an evaluation that nobody answered has no figures", "[rounds][records]") {
  const EvaluationRecord nobody;
  CHECK_FALSE(nobody.loss_before());
  CHECK_FALSE(nobody.loss_after());
  CHECK_FALSE(nobody.accuracy_before());
  CHECK_FALSE(nobody.accuracy_after());
}

TEST_CASE("records: the loss after adaptation is that of the tasks that did not diverge", "[rounds][records]") {
  const auto diverged = GENERATE(range(std::uint64_t{0}, std::uint64_t{5}));
  constexpr std::uint64_t kTasks = 5;
  constexpr std::uint64_t kQueries = 20;  // of each task
  wire::Evaluation total{kTasks, kTasks * kQueries, 30, 60, 100 * 3 * kOne, 0, diverged};
  total.loss_after = diverged * kQueries * kDiverged + (kTasks - diverged) * kQueries * kOne / 4;
  const EvaluationRecord record = record_of(total);
  CHECK(record.loss_after() == 0.25);
  CHECK(record.loss_before() == 3.0);
  CHECK(record.accuracy_before() == 0.3);
  CHECK(record.accuracy_after() == 0.6);
}

TEST_CASE("records: a loss after adaptation that cannot be told is none", "[rounds][records]") {
  CHECK_FALSE(record_of({5, 100, 0, 0, kOne, 100 * kDiverged, 5}).loss_after());  // all diverged
  CHECK_FALSE(record_of({5, 101, 0, 0, kOne, 30 * kDiverged, 1}).loss_after());   // query sets differ
  CHECK_FALSE(record_of({5, 100, 0, 0, kOne, 10 * kDiverged, 1}).loss_after());   // less than the one that diverged
  const std::uint64_t many = std::uint64_t{1} << 30;
  CHECK_FALSE(record_of({many, many, 0, 0, kOne, ~std::uint64_t{0}, many / 2}).loss_after());  // saturated
}
