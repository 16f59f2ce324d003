/// @file
/// The coordinator's core: a device that says that it has no samples of its own is not asked.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using Bench = test::CoreBench;

TEST_CASE("core: the slot of a device without samples goes to the next one, and comes back when it has some",
          "[coordinator][core][samples]") {
  Bench bench;
  const std::string empty = bench.first();
  const std::string other = bench.second();
  bench.samples[empty] = 1;  // none
  bench.birth(empty);
  bench.take();
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == coordinator::EventKind::kReplaced);
  CHECK(bench.events[0].detail == empty + ": has no samples");
  const std::string heir = bench.core.roster()[bench.events[0].device_index];
  CHECK(heir != empty);
  bench.tasks.erase(empty);
  bench.answer(heir);
  bench.answer(other);
  CHECK(bench.core.rounds_done() == 1);
  bench.samples[empty] = 3;  // two
  bench.birth(empty);
  for (std::uint32_t round = 1; round < 3; ++round) {
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (task.round == round) bench.answer(id);
    }
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
  CHECK(bench.tasks.count(empty) == 1);
}

TEST_CASE("core: devices that say so from the beginning are passed over in every round",
          "[coordinator][core][samples]") {
  Bench bench(std::vector<Override>{{"fleet.devices", "5"}});
  bench.samples = {{"b", 1}, {"d", 1}, {"a", 21}};
  bench.birth("b");
  bench.birth("d");
  bench.birth("a");
  bench.birth("e");
  bench.take();
  for (std::uint32_t round = 0; round < 3; ++round) {
    REQUIRE(bench.core.rounds_done() == round);
    for (const auto& [id, task] : std::map(bench.tasks)) {
      if (task.round == round) bench.answer(id);
    }
  }
  CHECK(bench.core.phase() == coordinator::Phase::kFinished);
  CHECK(bench.tasks.count("b") == 0);
  CHECK(bench.tasks.count("d") == 0);
}

TEST_CASE("core: a held-out device without samples is missing from the evaluation, with the reason",
          "[coordinator][core][samples][evaluation]") {
  Bench bench(std::vector<Override>{{"evaluation.tasks", "6"},
                                    {"evaluation.query_size", "10"},
                                    {"fleet.devices", "5"},
                                    {"fleet.held_out", "3"},
                                    {"meta.cohort", "1"}});
  bench.samples = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
  for (const char* id : {"a", "b", "c", "d", "e"}) bench.birth(id);
  bench.take();
  REQUIRE(bench.core.roster().size() == 5);
  std::uint32_t missing = 0;
  for (const auto& event : bench.events) {
    if (event.kind != coordinator::EventKind::kMissing) continue;
    CHECK(event.reason == wire::Refusal::kNoData);
    ++missing;
  }
  CHECK(missing == 3);
}
