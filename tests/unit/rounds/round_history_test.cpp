#include "skink/rounds/round_history.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace skink;
using rounds::RoundHistory;
using rounds::RoundRecord;

namespace {

MetaConfig annealed(std::uint32_t rounds) {
  MetaConfig meta;
  meta.rounds = rounds;
  meta.meta_learning_rate = 1.0;
  meta.meta_learning_rate_final = 0.1;
  return meta;
}

/// As the learning engine records them.
std::vector<RoundRecord> records(std::uint32_t count, std::uint32_t lossy_every) {
  const auto strategy = rounds::make_strategy(annealed(count));
  std::vector<RoundRecord> all;
  rounds::Traffic traffic;
  traffic.counts_bytes = false;
  for (std::uint32_t round = 0; round < count; ++round) {
    RoundRecord record;
    record.round = round;
    record.diverged = round % lossy_every == 0 ? 1 : 0;
    record.updates = 4 - record.diverged;
    record.total_weight = record.updates;
    record.meta_learning_rate = strategy->meta_learning_rate(round);
    traffic.device_rounds += record.updates;
    record.traffic = traffic;
    if (round % 50 == 49) record.model_sha256 = "hash " + std::to_string(round);
    all.push_back(record);
  }
  return all;
}

void check_same(const RoundRecord& a, const RoundRecord& b) {
  CHECK(a.round == b.round);
  CHECK(a.updates == b.updates);
  CHECK(a.diverged == b.diverged);
  CHECK(a.total_weight == b.total_weight);
  CHECK(a.meta_learning_rate == b.meta_learning_rate);
  CHECK(a.traffic.device_rounds == b.traffic.device_rounds);
  CHECK(a.model_sha256 == b.model_sha256);
}

}  // namespace

TEST_CASE("round history: every record is given back as it came", "[rounds][history]") {
  const std::vector<RoundRecord> all = records(230, GENERATE(1U, 7U, 1000U));
  RoundHistory history(annealed(230));
  for (const RoundRecord& record : all) history.add(record);
  REQUIRE(history.size() == all.size());
  RoundHistory::Reader reader(history);
  for (const RoundRecord& record : all) {
    RoundRecord read;
    REQUIRE(reader.next(read));
    check_same(read, record);
    check_same(history[record.round], record);
  }
  RoundRecord none;
  CHECK_FALSE(reader.next(none));
}

TEST_CASE("round history: rounds that are alike cost one entry", "[rounds][history]") {
  RoundHistory history(annealed(1'000'000));
  RoundRecord record;
  record.updates = 8;
  record.traffic.counts_bytes = false;
  for (std::uint32_t round = 0; round < 1'000'000; ++round) {
    record.round = round;
    history.add(record);
  }
  CHECK(history.stretches().size() == 1);
  history.set_last_hash("the last");
  CHECK(history.stretches().size() == 2);
  CHECK(history.size() == 1'000'000);
  CHECK(history.back().model_sha256 == "the last");
  CHECK(history.back().round == 999'999);
}

TEST_CASE("round history: its counts are those of all its records", "[rounds][history]") {
  RoundHistory history(annealed(1000));
  rounds::UpdateCounts expected;
  for (RoundRecord record : records(1000, 7)) {
    record.refused = record.round % 11 == 0 ? 2 : 0;
    expected.taken += record.updates;
    expected.diverged += record.diverged;
    expected.refused += record.refused;
    history.add(record);
  }
  CHECK(history.counts().taken == expected.taken);
  CHECK(history.counts().diverged == expected.diverged);
  CHECK(history.counts().refused == expected.refused);
  CHECK(RoundHistory().counts().taken == 0);
}
