#include <catch2/catch.hpp>
#include <ctime>
#include <limits>
#include <string>

#include "skink/coordinator/results/metrics.hpp"

using namespace skink;

namespace {

rounds::RoundHistory history_of(std::uint32_t count) {
  MetaConfig meta;
  meta.rounds = count;
  rounds::RoundHistory history(meta);
  for (std::uint32_t round = 0; round < count; ++round) {
    rounds::RoundRecord record;
    record.round = round;
    history.add(record);
  }
  return history;
}

/// Processor time of one table, the least of three.
double seconds_for(std::uint32_t count) {
  const rounds::RoundHistory history = history_of(count);
  std::vector<rounds::EvaluationRecord> evaluations(count);
  for (std::uint32_t round = 0; round < count; ++round) evaluations[round].rounds = round + 1;
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    coordinator::MetricsTable table(history, evaluations, nn::Loss::kMeanSquaredError);
    std::size_t bytes = 0;
    for (std::string_view part; table.next(part); bytes += part.size()) CHECK(part.size() < 70'000);
    least = std::min(least, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    REQUIRE(bytes > count);
  }
  return least;
}

}  // namespace

TEST_CASE("metrics: the table of rounds takes time in proportion to them", "[coordinator][metrics]") {
  const double fewer = seconds_for(10'000);
  CHECK(seconds_for(40'000) < 8 * fewer);  // 4 times if in proportion, 16 times if in proportion to the square
}

TEST_CASE("metrics: what nobody measured is empty, and no NaN or perfect score", "[coordinator][metrics]") {
  const rounds::RoundHistory history = history_of(3);
  std::vector<rounds::EvaluationRecord> evaluations(3);
  evaluations[0].rounds = 1;  // nobody answered
  evaluations[1].rounds = 2;
  evaluations[1].total = {2, 20, 5, 10, std::uint64_t{20} << 20, std::uint64_t{20} << 40, 2};  // both diverged
  evaluations[2].rounds = 3;
  evaluations[2].total = {2, 20, 5, 10, std::uint64_t{20} << 20, std::uint64_t{10} << 21, 0};
  const auto table_of = [&](nn::Loss loss) {
    coordinator::MetricsTable table(history, evaluations, loss);
    std::string text;
    for (std::string_view part; table.next(part);) text += part;
    return text;
  };
  const std::string classifier = table_of(nn::Loss::kSoftmaxCrossEntropy);
  CHECK(classifier.find("\n1,0,0,0,0,0,0,0,0,0,,,,,0,,,,,,,,,,,,,,,,,\n") != std::string::npos);
  CHECK(classifier.find("\n2,0,0,0,0,0,0,0,0,2,1,,0.25,0.5,2,,,,,,,,,,,,,,,,,\n") != std::string::npos);
  CHECK(classifier.find("\n3,0,0,0,0,0,0,0,0,2,1,1,0.25,0.5,0,,,,,,,,,,,,,,,,,\n") != std::string::npos);
  const std::string regression = table_of(nn::Loss::kMeanSquaredError);
  CHECK(regression.find("\n3,0,0,0,0,0,0,0,0,2,1,1,,,0,,,,,,,,,,,,,,,,,\n") != std::string::npos);
}
