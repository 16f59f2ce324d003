/// @file
/// What a device takes up after a reset, and what it makes of models that come over its connection.

#include "fakes/device_bench.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("device: after a model that was damaged on the way the same one is taken", "[firmware][device]") {
  DeviceBench bench;
  const Message& good = bench.coordinator.model.file;
  Message damaged = good;
  damaged[good.size() / 2] ^= 0x10U;
  bench.give_task(0);
  bench.give_model(damaged);
  CHECK(bench.refused(wire::Refusal::kWrongModelHash) == 1);
  CHECK_FALSE(bench.models.has_model());
  bench.give_task(1);
  bench.give_model(good);
  CHECK(bench.refused(wire::Refusal::kStorageFailed) == 0);
  CHECK(bench.device->has_work());
  CHECK(bench.models.digest() == bench.coordinator.model.digest);
}

TEST_CASE("device: after a flash that failed the same model is taken", "[firmware][device]") {
  DeviceBench bench;
  const Message& good = bench.coordinator.model.file;
  bench.flash.steps_left = GENERATE(10U, 13U, 100U);  // the journal's erasure and entry; begin() erases; pieces
  bench.give_task(0);
  bench.give_model(good);
  CHECK(bench.refused(wire::Refusal::kStorageFailed) == 1);
  bench.flash.power_on();
  bench.give_task(1);
  bench.give_model(good);
  CHECK(bench.device->has_work());
  CHECK(bench.models.digest() == bench.coordinator.model.digest);
}

TEST_CASE("device: a task that cannot be noted is refused and not worked on", "[firmware][device]") {
  DeviceBench bench;
  const bool has_model = GENERATE(true, false);
  if (has_model) {
    bench.give_task(0);
    bench.give_model(bench.coordinator.model.file);
    REQUIRE(bench.device->has_work());
  }
  for (std::uint32_t cell = 0; cell < 2 * 512; ++cell) bench.flash.stuck.insert(cell);  // the journal's two sectors
  bench.give_task(1);
  CHECK_FALSE(bench.device->has_work());
  CHECK(bench.device->client().state() != edge::ClientState::kDownloading);
  CHECK(bench.refused(wire::Refusal::kStorageFailed) == 1);
  bench.give_task(1);  // again: the same answer
  CHECK(bench.refused(wire::Refusal::kStorageFailed) == 1);
  CHECK_FALSE(bench.device->has_work());

  bench.flash.stuck.clear();
  std::fill_n(bench.flash.bytes.begin(), 2 * 512, std::uint8_t{0xff});
  bench.give_task(2);
  if (!has_model) bench.give_model(bench.coordinator.model.file);
  CHECK(bench.device->has_work());
  CHECK(bench.refused(wire::Refusal::kStorageFailed) == 1);
  firmware::Journal journal;
  REQUIRE(journal.open(bench.flash.flash, 0) == Status::kOk);
  CHECK(journal.last().task.attempt == 2);
}

TEST_CASE("device: after a reset it predicts with the model in its flash", "[firmware][device][predict]") {
  const FakeModel model(sine_net());
  FakeFlash flash(512, 32, 8);
  const bool has_model = GENERATE(true, false);
  if (has_model) {
    firmware::ModelStore store;
    REQUIRE(store.open(flash.flash, 2, 15) == Status::kOk);
    REQUIRE(store.begin(static_cast<std::uint32_t>(model.file.size())) == Status::kOk);
    REQUIRE(store.write(0, {model.file.data(), model.file.size()}, firmware::ChunkPart::kEnd) == Status::kOk);
    REQUIRE(store.commit(model.digest, static_cast<std::uint32_t>(model.file.size())) == Status::kOk);
  }
  firmware::Journal journal;
  firmware::ModelStore models;
  REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
  REQUIRE(models.open(flash.flash, 2, 15) == Status::kOk);
  FakeSamples samples(model.model.network);
  std::vector<float> arena(4096);
  firmware::DeviceConfig config;
  config.identity.device_id = "pump-017";
  config.arena = {reinterpret_cast<std::uint8_t*>(arena.data()), arena.size() * sizeof(float)};
  config.samples = samples.source();
  firmware::ModelStore releases;  // closed: there are none
  firmware::Device device(config, {models, releases, journal});

  const float stored[1] = {0.3F};
  float output[1] = {-99.0F};
  const Status status = device.predict(stored, output);
  if (!has_model) {
    CHECK(status == Status::kUnavailable);
    CHECK(output[0] == -99.0F);
    return;
  }
  REQUIRE(status == Status::kOk);
  std::vector<float> sample(model.model.network.sample_count());
  sample[0] = stored[0] * model.model.input.scale + model.model.input.offset;
  const auto expected = nn::predict(model.model.network, {model.parameters.data(), model.parameters.size()},
                                    Span<float>(sample.data(), sample.size()));
  CHECK(output[0] == expected[0]);
  CHECK(device.client().weights() == edge::Weights::kReceived);
}
