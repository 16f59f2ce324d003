/// @file
/// A client whose floating point is not the document's takes no part. The rounding mode stands for all that can be
/// wrong: tests/library builds one with contraction.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cfenv>

#include "fakes/client_bench.hpp"
#include "skink/common/arithmetic/canary.hpp"

using namespace skink;
using namespace skink::test;
using edge::ClientState;

namespace {

/// Rounds upwards while it lives.
class WrongRounding {
 public:
  WrongRounding() { REQUIRE(std::fesetround(FE_UPWARD) == 0); }
  ~WrongRounding() { std::fesetround(FE_TONEAREST); }
  WrongRounding(const WrongRounding&) = delete;
  WrongRounding& operator=(const WrongRounding&) = delete;
};

wire::State birth_of(const ClientBench& bench, const std::vector<Sent>& sent) {
  wire::State state{};
  REQUIRE(!sent.empty());
  REQUIRE(wire::decode_state(view(sent.back().payload), bench.identity, state) == Status::kOk);
  return state;
}

}  // namespace

TEST_CASE("client: with another arithmetic it says so and refuses its tasks", "[edge][client][canary]") {
  ClientBench bench;
  const wire::Task task = bench.task();
  bench.connect();
  wire::Versions announced{};
  {
    const WrongRounding wrong;
    announced = birth_of(bench, bench.pump()).versions;
    bench.give(task);
    wire::Task forged = task;  // that says what the birth said
    forged.attempt = 1;
    forged.versions.arithmetic = 0;
    bench.give(forged);
  }
  CHECK(announced.arithmetic == 0);
  CHECK(announced.protocol == wire::kProtocolVersion);
  CHECK_FALSE(wire::same_versions(announced));
  CHECK(bench.client->counters().refused[static_cast<std::size_t>(wire::Refusal::kVersionMismatch)] == 2);
  CHECK(bench.client->counters().tasks == 0);
  CHECK(bench.client->state() == ClientState::kIdle);

  bench.give(task);  // the same device with a sound processor
  CHECK(bench.client->counters().tasks == 1);
  CHECK(bench.client->state() == ClientState::kDownloading);
}

TEST_CASE("client: with another arithmetic it does not adapt to its own samples", "[edge][client][canary]") {
  ClientBench bench;
  edge::AdaptSettings settings;
  settings.inner_learning_rate = 0.02F;
  settings.passes = 1;
  std::copy(bench.model.file.begin(), bench.model.file.end(), bench.slot.bytes.begin());
  REQUIRE(bench.client->restore_model(static_cast<std::uint32_t>(bench.model.file.size())) == Status::kOk);
  Status status = Status::kOk;
  {
    const WrongRounding wrong;
    status = bench.client->adapt_now(settings);
  }
  CHECK(status == Status::kUnsupported);
  CHECK_FALSE(bench.client->has_work());
  CHECK(bench.client->adapt_now(settings) == Status::kOk);
}
