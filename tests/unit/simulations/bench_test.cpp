#include "skink/simulations/bench.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "skink/simulations/learning/lanes.hpp"

using namespace skink;
using namespace skink::simulations;

TEST_CASE("bench: operations are counted as a person would", "[simulation][bench]") {
  const auto operations = [](std::size_t net) {
    return operations_per_device_round(make_network(bench_nets()[net].model), 10);
  };
  // Sine: forward 32 + 1024 + 32 products, input gradients 1024 + 32, updates 32 + 1024 + 32; 1153 parameters.
  CHECK(operations(0) == 10 * 2 * (1088 + 1056 + 1088) + 3 * 1153);
  CHECK(operations(1) == 10 * 2 * (52384 + 2208 + 52384) + 3 * 52485);
  // 28 x 28 -> 14 x 14: 41 of 42 taps of an axis are inside; 14 -> 7: 20 of 21. With SAME padding at the end.
  const double first = 41.0 * 41 * 8;
  const double second = 20.0 * 20 * 8 * 16;
  CHECK(operations(2) == 10 * 2 * (2 * first + 3 * second + 3 * 3920) + 3 * 5173);
}

TEST_CASE("bench: every kind of lanes gives the scalar bits and is in the list", "[simulation][bench]") {
  BenchOptions options;
  options.nets = bench_nets();
  for (BenchNet& net : options.nets) net.cohort = 19;  // the last group is not full
  options.support_sizes = {2, 3};
  options.threads = 2;
  options.seconds = 0.001;
  options.repetitions = 2;
  const auto rows = run_bench(options);
  REQUIRE(rows.has_value());
  const std::size_t protocol = 2;  // of the sine net: with one thread and two
  CHECK(rows->size() == 2 * (options.nets.size() * (3 + 6 * (available_lanes().size() - 1)) + protocol));
  for (const BenchRow& row : *rows) {
    CHECK(row.device_rounds_per_second > 0);
    CHECK(row.ratio_to_scalar > 0);
    CHECK(row.fraction_of_peak > 0);
  }
  CHECK(rows->front().lanes == "scalar");
  CHECK(rows->front().ratio_to_scalar == 1.0);
  const auto list = boost::json::parse(to_json(*rows)).as_array();
  REQUIRE(list.size() == rows->size());
  CHECK(list[0].as_object().at("net").as_string() == "sine");
  CHECK(list[0].as_object().at("k").to_number<int>() == 2);
}
