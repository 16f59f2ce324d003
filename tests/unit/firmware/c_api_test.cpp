/// @file
/// skink.h as an application in C calls it.

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "fakes/c_application.hpp"
#include "fakes/known_identity.hpp"

using namespace skink;
using namespace skink::test;

TEST_CASE("skink.h: a device without a network learns its user's labels, and a restart keeps them",
          "[firmware][c_api][personal]") {
  Application it;
  std::mt19937 random(1);
  REQUIRE(it.start() == SKINK_OK);
  CHECK(it.state().starts == 1);
  CHECK(it.state().has_model == 1);
  CHECK(it.right() == 10);
  CHECK(skink_adapt(it.device.get(), 0, 0, 0) == SKINK_INVALID_ARGUMENT);  // the model file says none
  CHECK(skink_adapt(it.device.get(), 0.05F, 60, 1) == SKINK_UNAVAILABLE);  // nobody has shown it anything
  REQUIRE(it.teach(random) == SKINK_OK);
  CHECK(it.state().samples == 20);
  CHECK(skink_sample_count(it.device.get(), 2) == 5);
  REQUIRE(skink_adapt(it.device.get(), 0.05F, 60, 1) == SKINK_OK);
  CHECK(it.state().has_work == 1);
  float outputs[kCorners];
  CHECK(skink_predict(it.device.get(), outputs, kCorners) == SKINK_UNAVAILABLE);
  const float x[] = {1, 2};
  REQUIRE(skink_observe(it.device.get(), x, 2) == SKINK_OK);
  CHECK(skink_label(it.device.get(), 1) == SKINK_UNAVAILABLE);  // the samples are in use
  it.work();
  CHECK(it.told.outcomes == std::vector<skink_outcome>{SKINK_ADAPTED});
  CHECK(it.right() == 20);
  REQUIRE(it.start() == SKINK_OK);
  CHECK(it.state().starts == 2);
  CHECK(it.state().own_use == SKINK_ADAPTED);
  CHECK(it.state().samples == 20);
  CHECK(it.right() == 20);
  CHECK(it.told.outcomes.size() == 1);
  CHECK(it.told.models.empty());
}

TEST_CASE("skink.h: the journal may have small sectors of its own", "[firmware][c_api]") {
  Application it(18);  // 2 * (3 + 3) + 6: none is left for the journal
  CHECK(it.start() == SKINK_INVALID_ARGUMENT);
  FakeFlash small(128, 2, 32);
  it.config.journal_flash = it.config.flash;
  it.config.journal_flash.context = &small;
  it.config.journal_flash.sector_bytes = 128;
  it.config.journal_flash.program_bytes = 32;
  SECTION("of one sector it cannot be") {
    it.config.journal_flash.sectors = 1;
    CHECK(it.start() == SKINK_INVALID_ARGUMENT);
  }
  SECTION("nor without functions") {
    it.config.journal_flash.sectors = 2;
    it.config.journal_flash.erase = nullptr;
    CHECK(it.start() == SKINK_INVALID_ARGUMENT);
  }
  SECTION("of two it is kept there, and everything else in the large ones") {
    it.config.journal_flash.sectors = 2;
    for (std::uint32_t start = 1; start <= 20; ++start) {
      REQUIRE(it.start() == SKINK_OK);
      CHECK(it.state().starts == start);
    }
    CHECK(small.erasures[0] + small.erasures[1] > 2);
    CHECK(it.flash.erasures[0] == 1);  // of the model's slots: once, for the model that the program brings along
    std::mt19937 random(1);
    REQUIRE(it.teach(random) == SKINK_OK);
    REQUIRE(it.start() == SKINK_OK);
    CHECK(it.state().samples == 20);
  }
}

TEST_CASE("skink.h: an observation is labelled once, within its shape", "[firmware][c_api]") {
  Application it;
  REQUIRE(it.start() == SKINK_OK);
  skink_device* device = it.device.get();
  float outputs[kCorners];
  CHECK(skink_label(device, 0) == SKINK_UNAVAILABLE);  // nothing was observed
  CHECK(skink_predict(device, outputs, kCorners) == SKINK_UNAVAILABLE);
  const float x[] = {1, 2, 3};
  CHECK(skink_observe(device, x, 3) == SKINK_SHAPE_MISMATCH);
  REQUIRE(skink_observe(device, x, 2) == SKINK_OK);
  CHECK(skink_predict(device, outputs, 3) == SKINK_SHAPE_MISMATCH);
  CHECK(skink_label(device, kCorners) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_target(device, x, 2) == SKINK_SHAPE_MISMATCH);
  CHECK(skink_label(device, 1) == SKINK_OK);
  CHECK(skink_label(device, 1) == SKINK_UNAVAILABLE);
  CHECK(skink_predict(device, outputs, kCorners) == SKINK_OK);
  const float half[] = {0.5F, 1};
  REQUIRE(skink_observe(device, half, 2) == SKINK_OK);
  CHECK(skink_label(device, 1) == SKINK_INVALID_ARGUMENT);  // shape.number is whole
  it.flash.steps_left = 0;
  REQUIRE(skink_observe(device, x, 2) == SKINK_OK);
  CHECK(skink_label(device, 1) == SKINK_UNAVAILABLE);
}

TEST_CASE("skink.h: targets of a regression are numbers, not labels", "[firmware][c_api]") {
  Application it;
  it.config.shape = {2, 0, 2, 0, SKINK_FLOAT32};
  REQUIRE(it.start() == SKINK_OK);
  const float x[] = {1.5F, 2};
  REQUIRE(skink_observe(it.device.get(), x, 2) == SKINK_OK);
  CHECK(skink_label(it.device.get(), 1) == SKINK_SHAPE_MISMATCH);
  CHECK(skink_target(it.device.get(), x, 1) == SKINK_SHAPE_MISMATCH);
  CHECK(skink_target(it.device.get(), x, 2) == SKINK_OK);
  CHECK(it.state().samples == 1);
}

TEST_CASE("skink.h: a device without samples, observations or network says so", "[firmware][c_api]") {
  Application it;
  it.config.sample_sectors = 0;
  it.config.observation = nullptr;
  REQUIRE(it.start() == SKINK_OK);
  const float x[] = {1, 2};
  CHECK(skink_observe(it.device.get(), x, 2) == SKINK_UNAVAILABLE);
  CHECK(skink_label(it.device.get(), 1) == SKINK_UNAVAILABLE);
  CHECK(skink_connected(it.device.get(), 0) == SKINK_CONNECTION_LOST);
  CHECK(skink_output(it.device.get(), 0).count == 0);
  skink_disconnected(it.device.get());
}

TEST_CASE("skink.h: what init refuses", "[firmware][c_api]") {
  Application it;
  skink_status expected = SKINK_INVALID_ARGUMENT;
  SECTION("no flash") { it.config.flash.erase = nullptr; }
  SECTION("a unit that is none") { it.config.flash.program_bytes = 12; }
  SECTION("sectors that are not there") { it.config.release_sectors = 3; }
  SECTION("sectors that wrap") { it.config.release_sectors = 0xffffffffU; }
  SECTION("no slot for a model") { it.config.model_sectors = 0; }
  SECTION("a sample without inputs") { it.config.shape.inputs = 0; }
  SECTION("samples without memory") { it.config.sample_slots = nullptr; }
  SECTION("no arena that has a size") { it.config.arena = nullptr; }
  SECTION("two sources of samples") { it.config.recording = it.config.model; }
  SECTION("a release without an identity") { it.config.release = it.config.model; }
  SECTION("too few sectors for samples") {
    it.config.sample_sectors = 2;
    expected = SKINK_BUFFER_TOO_SMALL;
  }
  SECTION("a slot too small for the model") {
    it.config.model_sectors = 1;
    expected = SKINK_BUFFER_TOO_SMALL;
  }
  SECTION("a model that is cut off") {
    --it.config.model.count;
    expected = SKINK_TRUNCATED;
  }
  SECTION("a damaged model") {
    it.model[it.model.size() / 2] ^= 1;
    expected = SKINK_DAMAGED;
  }
  SECTION("a recording that is none") {
    it.config.sample_sectors = 0;
    it.config.recording = it.config.model;
    expected = SKINK_DAMAGED;
  }
  SECTION("a flash that fails") {
    it.flash.steps_left = 0;
    expected = SKINK_UNAVAILABLE;
  }
  CHECK(it.start() == expected);
  CHECK(std::string(skink_status_text(expected)) != skink_status_text(SKINK_OK));
  CHECK(skink_init(nullptr, &it.config) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_init(it.device.get(), nullptr) == SKINK_INVALID_ARGUMENT);
}

TEST_CASE("skink.h: an identity image has all fields, and damage is told", "[firmware][c_api]") {
  const FakeIdentity known;
  std::vector<std::uint8_t> image(provisioning::kMaxIdentityBytes);
  std::size_t written = 0;
  REQUIRE(provisioning::write_identity(known.view(), {image.data(), image.size()}, written) == Status::kOk);
  skink_identity identity{};
  REQUIRE(skink_read_identity({image.data(), written}, &identity) == SKINK_OK);
  CHECK(identity.device_id == known.device_id);
  CHECK(identity.fleet == known.fleet);
  CHECK(identity.broker_host == known.broker_host);
  CHECK(identity.server_name == known.tls_server_name);
  CHECK(identity.time_host == known.time_host);
  CHECK(identity.broker_port == known.broker_port);
  CHECK(identity.seed == known.seed);
  CHECK(identity.key[31] == known.key_byte);
  CHECK(identity.certificate.count == known.certificate.size());
  CHECK(identity.release_key.count == known.release_key.size());
  CHECK(skink_read_identity({image.data(), written - 1}, &identity) == SKINK_TRUNCATED);
  image[written / 2] ^= 1;
  CHECK(skink_read_identity({image.data(), written}, &identity) == SKINK_DAMAGED);
  std::fill(image.begin(), image.end(), std::uint8_t{0xff});
  CHECK(skink_read_identity({image.data(), image.size()}, &identity) == SKINK_UNAVAILABLE);
  CHECK(identity.device_id == known.device_id);
}
