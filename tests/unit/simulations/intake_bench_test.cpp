#include "skink/simulations/intake_bench.hpp"

#include <catch2/catch.hpp>

using namespace skink;
using namespace skink::simulations;

TEST_CASE("intake: every codec has a line beside what memory allows, for one thread and for the most",
          "[simulation][bench]") {
  IntakeOptions options;
  options.net = bench_nets()[0];
  options.net.cohort = 7;
  options.codecs = {"float32", "int8+ef", "eden:2", "topk:0.01+ternary"};
  options.threads = 3;
  options.seconds = 0.001;
  options.repetitions = 2;
  const auto rows = run_intake_bench(options);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 2 * (3 + options.codecs.size()));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const IntakeRow& row = (*rows)[i];
    CHECK(row.threads == (i < 7 ? 1U : 3U));
    CHECK(row.bytes_per_second > 0);
    CHECK(row.ratio_to_main_memory > 0);
    CHECK((row.updates_per_second > 0) == (row.what != "main memory" && row.what != "messages"));
  }
  CHECK((*rows)[0].what == "same memory");
  CHECK((*rows)[0].ratio_to_same_memory == 1.0);
  CHECK((*rows)[3].bytes_per_update == 20 * 1153);  // float32: 4 read, a sum read and written
  CHECK(to_table(*rows).find("topk:0.01+ternary") != std::string::npos);
}

TEST_CASE("intake: a codec that does not exist is an error", "[simulation][bench]") {
  IntakeOptions options;
  options.net = bench_nets()[0];
  options.codecs = {"float64"};
  CHECK_FALSE(run_intake_bench(options).has_value());
}
