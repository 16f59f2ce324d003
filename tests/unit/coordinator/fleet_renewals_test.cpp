/// @file
/// Renewals as a service leads them: what a device says is believed as far as it is bound, and what stands is stored.

#include "skink/coordinator/service/fleet_renewals.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "requests.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/host/files/files.hpp"
#include "unit/host/temporary_folder.hpp"

using namespace skink;
using namespace skink::coordinator;
using test::certificate_request;

namespace {

struct Scene {
  Scene() : store(FleetStore::open(folder.file("fleet.db"), "plant").value()), broker(settings) {
    settings.fleet = "plant";
    settings.certificates_pki = folder.file("pki");
    settings.certificate_days = 30;
    REQUIRE(make_folder(settings.certificates_pki).has_value());
    REQUIRE(provisioning::make_fleet_keys(settings.certificates_pki, "plant").has_value());
    start();
  }
  void start() {
    renewals = std::make_unique<FleetRenewals>(
        settings, store, devices, broker,
        [this](const char*, const char* name, const std::string&, const std::string&) { said.emplace_back(name); });
    REQUIRE(renewals->read().has_value());
  }
  void say(const wire::Credentials& credentials, const std::string& id = "pump-1") {
    std::vector<std::uint8_t> bytes(1024);
    std::size_t written = 0;
    REQUIRE(wire::encode_credentials(credentials, {id.c_str(), devices.key_of(id)}, {bytes.data(), bytes.size()},
                                     written) == Status::kOk);
    bytes.resize(written);
    REQUIRE(renewals->on_credentials("pump-1", {bytes.data(), bytes.size()}, 1000).has_value());
  }
  void request(std::uint32_t number, const std::vector<std::uint8_t>& request) {
    say({number, 0, 0, {request.data(), request.size()}, wire::Refusal::kNone});
    REQUIRE(renewals->on_time(1000).has_value());
  }
  RenewalRow row() const { return store.renewals("", 10).value().at(0); }

  test::TemporaryFolder folder;
  Settings settings;
  FleetStore store;
  DeviceBook devices{crypto::Key(), "plant", 1};
  BrokerLink broker;
  std::vector<std::string> said;
  std::unique_ptr<FleetRenewals> renewals;
};

std::uint64_t name_of(const std::vector<std::uint8_t>& certificate) {
  return crypto::prefix_of(crypto::sha256({certificate.data(), certificate.size()}));
}

TEST_CASE("renewals: asked, issued, done, over restarts of the service", "[renewal]") {
  Scene scene;
  REQUIRE(scene.renewals->ask("pump-1").value() == 1);
  REQUIRE(scene.renewals->ask("pump-1").value() == 1);  // it stands already
  scene.start();
  scene.request(1, certificate_request("pump-1"));
  CHECK(scene.row().phase == RenewalPhase::kIssued);
  scene.start();
  scene.say({1, 4711, 0, {}, wire::Refusal::kNone});  // it still has the old one
  CHECK(scene.row().phase == RenewalPhase::kIssued);
  CHECK(scene.said.back() == "device.renewal_waits");
  scene.say({1, name_of(scene.row().certificate), 0, {}, wire::Refusal::kNone});
  CHECK(scene.row().phase == RenewalPhase::kDone);
  CHECK(scene.said.back() == "device.renewed");
  CHECK(scene.renewals->ask("pump-1").value() == 2);
}

TEST_CASE("renewals: what a device asks for is bounded", "[renewal]") {
  Scene scene;
  scene.request(1, certificate_request("pump-1"));  // nobody has asked
  CHECK(scene.store.renewals("", 10).value().empty());
  REQUIRE(scene.renewals->ask("pump-1").has_value());
  SECTION("with another device's code it is not heard") {
    const auto request = certificate_request("pump-1");
    scene.say({1, 0, 0, {request.data(), request.size()}, wire::Refusal::kNone}, "pump-2");
    CHECK(scene.row().phase == RenewalPhase::kAsked);
  }
  SECTION("a request for another name ends it") {
    scene.request(1, certificate_request("coordinator"));
    CHECK(scene.row().phase == RenewalPhase::kRefused);
    CHECK(scene.said.back() == "device.renewal_refused");
  }
  SECTION("eight certificates, and no ninth") {
    for (int i = 0; i < 8; ++i) scene.request(1, certificate_request("pump-1"));
    CHECK(scene.row().phase == RenewalPhase::kIssued);
    scene.request(1, certificate_request("pump-1"));
    CHECK(scene.row().phase == RenewalPhase::kRefused);
  }
  SECTION("the device refuses") {
    scene.say({1, 0, 0, {}, wire::Refusal::kWrongSignature});
    CHECK(scene.row().phase == RenewalPhase::kRefused);
    CHECK(scene.row().reason == "wrong_signature");
  }
  SECTION("a request of an earlier number is not answered, a later number is taken over") {
    scene.request(0, certificate_request("pump-1"));
    CHECK(scene.row().phase == RenewalPhase::kAsked);
    scene.say({7, 0, 0, {}, wire::Refusal::kNone});
    CHECK(scene.row().number == 8);
    scene.say({8, 0, 0, {}, wire::Refusal::kNone});  // and one that the device has done already
    CHECK(scene.row().number == 9);
  }
  SECTION("the same request again is the same certificate") {
    const auto request = certificate_request("pump-1");
    scene.request(1, request);
    const auto first = scene.row().certificate;
    for (int i = 0; i < 20; ++i) scene.request(1, request);
    CHECK(scene.row().certificate == first);
  }
  SECTION("what it does not trust is asked anew once, then it is refused") {
    const auto request = certificate_request("pump-1");
    for (std::uint32_t number : {1U, 2U}) {
      scene.request(number, request);
      CHECK(scene.row().phase == RenewalPhase::kIssued);
      scene.say({number, 0, 0, {request.data(), request.size()}, wire::Refusal::kWrongCertificate});
    }
    CHECK(scene.row().number == 2);
    CHECK(scene.row().phase == RenewalPhase::kRefused);
  }
  SECTION("it is revoked meanwhile") {
    scene.devices.revoke({"pump-1"});
    scene.request(1, certificate_request("pump-1"));
    CHECK(scene.row().phase == RenewalPhase::kAsked);
    CHECK_FALSE(scene.renewals->ask("pump-1").has_value());
  }
}

TEST_CASE("renewals: an authority that cannot be read is said once, and tried again", "[renewal]") {
  Scene scene;
  REQUIRE(scene.renewals->ask("pump-1").has_value());
  const std::string key = scene.settings.certificates_pki + "/ca.key";
  const std::string kept = read_file(key).value();
  std::filesystem::remove(key);
  for (int i = 0; i < 3; ++i) scene.request(1, certificate_request("pump-1"));
  CHECK(scene.row().phase == RenewalPhase::kAsked);
  CHECK(scene.said == std::vector<std::string>{"device.renewal_failed"});
  REQUIRE(write_file(key, kept).has_value());
  REQUIRE(scene.renewals->on_time(1000).has_value());
  CHECK(scene.row().phase == RenewalPhase::kAsked);  // not at once
  REQUIRE(scene.renewals->on_time(7000).has_value());
  CHECK(scene.row().phase == RenewalPhase::kIssued);
}

TEST_CASE("renewals: certificates that end soon are renewed by themselves", "[renewal]") {
  Scene scene;
  DeviceRow row;
  row.id = "pump-1";
  row.online = true;
  row.last_seen = "2026-11-30T00:00:00Z";
  REQUIRE(scene.store.note({row}, {}).has_value());
  REQUIRE(scene.renewals->ask("pump-1").has_value());
  scene.request(1, certificate_request("pump-1"));  // for 30 days
  scene.say({1, name_of(scene.row().certificate), 0, {}, wire::Refusal::kNone});
  scene.settings.certificate_days = 3650;
  scene.settings.renew_days = 29;
  REQUIRE(scene.renewals->on_time(3'700'000).has_value());
  CHECK(scene.row().number == 1);
  scene.settings.renew_days = 31;
  REQUIRE(scene.renewals->on_time(3'700'001).has_value());
  CHECK(scene.row().number == 1);  // it looks once an hour
  REQUIRE(scene.renewals->on_time(7'400'000).has_value());
  CHECK(scene.row().number == 2);
  CHECK(scene.row().phase == RenewalPhase::kAsked);
}

TEST_CASE("renewals: what would hold no longer is not renewed, and that is said", "[renewal]") {
  Scene scene;
  DeviceRow row;
  row.id = "pump-1";
  row.online = true;
  row.last_seen = "2026-11-30T00:00:00Z";
  REQUIRE(scene.store.note({row}, {}).has_value());
  REQUIRE(scene.renewals->ask("pump-1").has_value());
  scene.request(1, certificate_request("pump-1"));  // for 30 days, and so would the next be
  scene.say({1, name_of(scene.row().certificate), 0, {}, wire::Refusal::kNone});
  scene.settings.renew_days = 31;
  REQUIRE(scene.renewals->on_time(3'700'000).has_value());
  CHECK(scene.row().number == 1);
  CHECK(scene.said.back() == "device.renewal_failed");
}

TEST_CASE("renewals: without an authority nothing is asked", "[renewal]") {
  Scene scene;
  scene.settings.certificates_pki.clear();
  const auto asked = scene.renewals->ask("pump-1");
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().message.find("[certificates] pki") != std::string::npos);
}

}  // namespace
