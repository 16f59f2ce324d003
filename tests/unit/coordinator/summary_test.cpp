#include "skink/coordinator/results/summary.hpp"

#include <catch2/catch.hpp>
#include <ctime>
#include <limits>

using namespace skink;
using namespace skink::coordinator;

namespace {

/// Processor time of one table, the least of three.
double seconds_for(std::uint32_t count) {
  std::vector<rounds::RoundRecord> records(count);
  std::vector<rounds::EvaluationRecord> evaluations(count);
  for (std::uint32_t round = 0; round < count; ++round) {
    records[round].round = round;
    evaluations[round].rounds = round + 1;
  }
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    const std::string text = metrics_csv(records, evaluations);
    least = std::min(least, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    REQUIRE(text.size() > count);
  }
  return least;
}

}  // namespace

TEST_CASE("summary: the table of rounds takes time in proportion to them", "[coordinator][summary]") {
  const double fewer = seconds_for(10'000);
  CHECK(seconds_for(40'000) < 8 * fewer);  // 4 times if in proportion, 16 times if in proportion to the square
}
