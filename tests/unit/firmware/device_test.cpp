/// @file
/// What a device takes up after a reset.

#include "skink/firmware/device.hpp"

#include <catch2/catch.hpp>

#include "fakes/fake_flash.hpp"
#include "fakes/model.hpp"
#include "fakes/samples.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("device: after a reset it predicts with the model in its flash", "[firmware][device][predict]") {
  const FakeModel model(sine_net());
  FakeFlash flash(512, 32, 8);
  const bool has_model = GENERATE(true, false);
  if (has_model) {
    firmware::ModelStore store;
    REQUIRE(store.open(flash.flash, 2, 15) == Status::kOk);
    REQUIRE(store.begin(static_cast<std::uint32_t>(model.file.size())) == Status::kOk);
    REQUIRE(store.write(0, {model.file.data(), model.file.size()}, true) == Status::kOk);
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
  firmware::Device device(config, models, journal);

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
  sample[0] = stored[0] * model.model.input_scale + model.model.input_offset;
  const auto expected = nn::predict(model.model.network, {model.parameters.data(), model.parameters.size()},
                                    Span<float>(sample.data(), sample.size()));
  CHECK(output[0] == expected[0]);
  CHECK(device.client().weights() == edge::Weights::kReceived);
}
