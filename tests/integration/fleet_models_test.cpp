#include "fleet_bench.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("models: any round that a run keeps goes into the registry", "[service][broker]") {
  Bench bench;
  const Devices devices(bench.broker, device_ids(6));
  const auto service = bench.service();
  RunOrder kept = order({{"evaluation.every", "2"}, {"evaluation.tasks", "4"}});
  kept.checkpoint_rounds = 2;
  REQUIRE(service->queue_run(kept, "test").has_value());
  const auto early = service->add_model(1, 0, "test");
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().message == "run 1 has not begun");
  REQUIRE(bench.lead(*service, [&] { return phase_of(*service, 1) == RunPhase::kFinished; }));
  const auto fourth = service->add_model(1, 4, "test");
  REQUIRE(fourth.has_value());
  const auto model = service->store().model(*fourth);
  REQUIRE((model && *model));
  CHECK((*model)->rounds == 4);
  CHECK((*model)->sha256 == simulated(kept.overrides, nullptr, 4));
  CHECK((*model)->figures.find("loss_after") != std::string::npos);
  CHECK(*service->add_model(1, 4, "test") == *fourth);
  CHECK(*service->add_model(1, 0, "test") == 1);  // the last one is there already
  const auto refused = service->add_model(1, 3, "test");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("it keeps those after 2, 4, 5, 6") != std::string::npos);
  CHECK(service->add_model(9, 0, "test").error().message == "there is no run 9");
}
