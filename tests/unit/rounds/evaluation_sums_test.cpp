#include "skink/rounds/evaluation_sums.hpp"

#include <catch2/catch.hpp>

using namespace skink;

TEST_CASE("evaluation sums: no legal setting wraps them, and losses saturate", "[rounds][evaluation]") {
  wire::Evaluation part{};
  part.tasks = 1'000'000;
  part.query_samples = std::uint64_t{1'000'000} * 65535;  // above 2^32
  part.correct_after = part.query_samples;
  part.loss_after = std::uint64_t{3} << 62;
  wire::Evaluation total{};
  rounds::add(part, total);
  rounds::add(part, total);
  CHECK(total.tasks == 2'000'000);
  CHECK(total.query_samples == std::uint64_t{2'000'000} * 65535);
  CHECK(total.correct_after == total.query_samples);
  CHECK(total.loss_after == ~std::uint64_t{0});
}

TEST_CASE("evaluation sums: the report of tasks counts diverged ones as a device does", "[rounds][evaluation]") {
  std::vector<rounds::TaskResult> tasks(2);
  tasks[0].query_samples = 10;
  tasks[0].before.loss = 5;
  tasks[0].before.correct = 3;
  tasks[0].after.loss = 2;
  tasks[0].after.correct = 9;
  tasks[1] = tasks[0];
  tasks[1].query_samples = 4;
  tasks[1].diverged = true;
  const wire::Evaluation report = rounds::sum_of(tasks);
  CHECK(report.tasks == 2);
  CHECK(report.query_samples == 14);
  CHECK(report.correct_before == 6);
  CHECK(report.correct_after == 9);
  CHECK(report.loss_before == 10);
  CHECK(report.loss_after == 2 + (std::uint64_t{4} << 40));
  CHECK(report.diverged_tasks == 1);
}
