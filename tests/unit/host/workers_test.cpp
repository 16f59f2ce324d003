#include "skink/host/program/workers.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

using skink::Workers;

TEST_CASE("workers: every part is worked on once, job after job", "[common][host][workers]") {
  Workers workers(GENERATE(1U, 2U, 5U));
  for (std::uint32_t job = 0; job < 300; ++job) {
    const std::uint32_t parts = job % 7;
    std::vector<std::atomic<int>> done(parts);
    workers.run(parts, [&](std::uint32_t worker, std::uint32_t part) {
      REQUIRE(worker < workers.count());
      ++done[part];
    });
    for (const auto& count : done) REQUIRE(count == 1);
  }
}

TEST_CASE("workers: what a part throws is thrown, and the next job runs", "[common][host][workers]") {
  Workers workers(GENERATE(1U, 3U));
  for (int job = 0; job < 20; ++job) {
    CHECK_THROWS_AS(workers.run(10,
                                [](std::uint32_t, std::uint32_t part) {
                                  if (part == 4) throw std::runtime_error("a part");
                                }),
                    std::runtime_error);
    std::atomic<int> done{0};
    workers.run(10, [&done](std::uint32_t, std::uint32_t) { ++done; });
    CHECK(done == 10);
  }
}
