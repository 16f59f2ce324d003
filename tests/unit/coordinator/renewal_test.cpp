/// @file
/// Certificates for keys that are only in a device, and another authority for the fleet.

#include "skink/coordinator/provisioning/renewal.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "pki.hpp"
#include "requests.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/coordinator/provisioning/provisioner.hpp"
#include "skink/coordinator/provisioning/revocation.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using test::certificate_request;
namespace fs = std::filesystem;

namespace {

/// A fleet's folder as `skinkctl init` makes it, with two devices.
struct Fleet {
  Fleet() {
    REQUIRE(provisioning::make_fleet_keys(folder.path(), "plant").has_value());
    provisioning::ProvisioningOptions options;
    options.pki = folder.path();
    options.out = folder.file("images");
    options.fleet = "plant";
    options.broker = {"gateway.local", 8883};
    const auto provisioner = provisioning::Provisioner::open(options, {"pump-1", "pump-2"});
    REQUIRE(provisioner.has_value());
    for (const char* id : {"pump-1", "pump-2"}) REQUIRE(provisioner->make(id).has_value());
  }
  Result<provisioning::IssuedCertificate> answer(const std::string& id, const std::vector<std::uint8_t>& request,
                                                 std::uint32_t days = 30) const {
    return provisioning::answer_request(folder.path(), id, {request.data(), request.size()}, days);
  }
  void confirm(const std::string& id, const provisioning::IssuedCertificate& issued) const {
    for (int i = 0; i < 2; ++i) {
      REQUIRE(provisioning::confirm_certificate(folder.path(), id, {issued.der.data(), issued.der.size()}).has_value());
    }
  }
  std::string issuer(const std::string& id) const {
    for (const char* authority : {"/ca.pem", "/next/ca.pem", "/former/ca.pem"}) {
      const std::string path = folder.path() + authority;
      const std::string certificate = folder.path() + "/devices/" + id + "/cert.pem";
      if (fs::exists(path) && provisioning::check_chain(path, certificate, provisioning::CertificateUse::kTlsClient)) {
        return authority;
      }
    }
    return "nobody";
  }
  std::size_t blocks(const std::string& file) const {
    const std::string text = read_file(folder.file(file)).value();
    std::size_t count = 0;
    for (std::size_t at = text.find("BEGIN"); at != std::string::npos; at = text.find("BEGIN", at + 1)) ++count;
    return count;
  }
  test::TemporaryFolder folder;
};

TEST_CASE("renewals: a request is answered, and the old certificate stays known", "[renewal]") {
  const Fleet fleet;
  const auto issued = fleet.answer("pump-1", certificate_request("pump-1"));
  REQUIRE(issued.has_value());
  CHECK(fs::exists(fleet.folder.file("devices/pump-1/key.pem")));  // it is in use until the device has the new one
  CHECK(provisioning::prepare_revocation({fleet.folder.path(), {"pump-1"}, 0})->report.certificates.size() == 2);
  fleet.confirm("pump-1", *issued);
  const auto certificate = test::certificate_in(fleet.folder.file("devices/pump-1/cert.pem"));
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  CHECK(std::vector<std::uint8_t>(der, der + size) == issued->der);
  OPENSSL_free(der);
  CHECK(issued->der.size() <= 640);                                      // wire::kMaxCertificateBytes
  CHECK_FALSE(fs::exists(fleet.folder.file("devices/pump-1/key.pem")));  // it is in the device only
  CHECK(fs::exists(fleet.folder.file("devices/pump-1/hmac.key")));
  const auto revocation = provisioning::prepare_revocation({fleet.folder.path(), {"pump-1"}, 0});
  REQUIRE(revocation.has_value());
  CHECK(revocation->report.certificates.size() == 2);
  const auto end = provisioning::end_of_certificate(fleet.folder.path(), "pump-1");
  REQUIRE(end.has_value());
  CHECK(*end - std::time(nullptr) < 31 * 86400);
}

TEST_CASE("renewals: what is no request of that device is refused, and nothing is written", "[renewal]") {
  const Fleet fleet;
  const std::string before = read_file(fleet.folder.file("devices/pump-1/cert.pem")).value();
  std::vector<std::uint8_t> request = certificate_request("pump-1");
  std::string reason;
  SECTION("another name") { request = certificate_request("pump-2"), reason = "another name"; }
  SECTION("a changed bit") { request.back() ^= 1, reason = "refused"; }
  SECTION("more than it") { request.push_back(0), reason = "no PKCS #10"; }
  SECTION("less than it") { request.pop_back(), reason = "no PKCS #10"; }
  SECTION("nothing") { request.clear(), reason = "no PKCS #10"; }
  SECTION("another curve") { request = certificate_request("pump-1", "P-384"), reason = "P-256"; }
  SECTION("revoked") {
    const auto revocation = provisioning::prepare_revocation({fleet.folder.path(), {"pump-1"}, 0});
    REQUIRE(provisioning::write_revocation(*revocation).has_value());
    reason = "revoked";
  }
  const auto issued = fleet.answer("pump-1", request);
  REQUIRE_FALSE(issued.has_value());
  CHECK(issued.error().code == make_error_code(Status::kInvalidArgument));
  CHECK_THAT(issued.error().message, Contains(reason));
  CHECK(read_file(fleet.folder.file("devices/pump-1/cert.pem")).value() == before);
  CHECK_FALSE(fs::exists(fleet.folder.file(".unfinished")));
}

TEST_CASE("authority: announced, adopted, retired; each step again is no step", "[renewal]") {
  const Fleet fleet;
  const std::string pki = fleet.folder.path();
  using provisioning::AuthorityChange;
  CHECK_FALSE(provisioning::adopt_authority(pki).has_value());
  CHECK_FALSE(provisioning::retire_authority(pki).has_value());
  CHECK(provisioning::signed_authorities(pki).value().empty());
  for (int i = 0; i < 2; ++i) REQUIRE(provisioning::announce_authority(pki, 100).has_value());
  CHECK(provisioning::authority_change(pki) == AuthorityChange::kAnnounced);
  CHECK(fleet.blocks("ca.pem") == 2);
  CHECK(fleet.blocks("crl.pem") == 2);
  const std::string both = provisioning::signed_authorities(pki).value();
  const std::uint32_t number = provisioning::claimed_number(bytes_of(both));
  CHECK(number >= 1'700'000'000);
  CHECK(fleet.issuer("pump-1") == "/ca.pem");

  const auto issued = fleet.answer("pump-1", certificate_request("pump-1"));
  REQUIRE(issued.has_value());
  CHECK(provisioning::devices_of_former(pki).value().size() == 2);  // it is not in use yet
  fleet.confirm("pump-1", *issued);
  CHECK(fleet.issuer("pump-1") == "/next/ca.pem");
  CHECK(provisioning::devices_of_former(pki).value() == std::vector<std::string>{"pump-2"});

  for (int i = 0; i < 2; ++i) REQUIRE(provisioning::adopt_authority(pki).has_value());
  CHECK(provisioning::authority_change(pki) == AuthorityChange::kAdopted);
  CHECK_FALSE(provisioning::announce_authority(pki, 100).has_value());  // three at a time are too many
  CHECK(fleet.issuer("pump-1") == "/ca.pem");
  CHECK(provisioning::devices_of_former(pki).value() == std::vector<std::string>{"pump-2"});
  {
    const auto revocation = provisioning::prepare_revocation({pki, {"pump-1", "pump-2"}, 0});
    REQUIRE(revocation.has_value());
    CHECK(revocation->report.total == 3);  // of both authorities
    REQUIRE(provisioning::write_revocation(*revocation).has_value());
  }
  CHECK(fleet.blocks("crl.pem") == 2);
  CHECK(provisioning::devices_of_former(pki).value().empty());  // who is revoked is not lost

  const auto retired = provisioning::retire_authority(pki);
  INFO((retired ? std::string() : retired.error().message));
  REQUIRE(retired.has_value());
  CHECK(provisioning::authority_change(pki) == AuthorityChange::kNone);
  CHECK(fleet.blocks("ca.pem") == 1);
  CHECK(fleet.blocks("crl.pem") == 1);
  const std::string one = provisioning::signed_authorities(pki).value();
  CHECK(provisioning::claimed_number(bytes_of(one)) > number);
  CHECK(one.size() < both.size());
  CHECK(both.size() <= 1168);  // wire::kMaxAuthoritiesBytes
  CHECK(provisioning::prepare_revocation({pki, {}, 0})->report.total ==
        1);  // what the retired one has signed is let in no more anyhow
  REQUIRE(provisioning::announce_authority(pki, 100).has_value());
}

TEST_CASE("authority: a power cut between two files of a step is mended by the step", "[renewal]") {
  const Fleet fleet;
  const std::string pki = fleet.folder.path();
  REQUIRE(provisioning::announce_authority(pki, 100).has_value());
  const std::string next_key = read_file(pki + "/next/ca.key").value();
  fs::create_directory(pki + "/former");
  fs::copy(pki + "/ca.pem", pki + "/former/ca.pem");
  fs::copy(pki + "/ca.key", pki + "/former/ca.key");
  REQUIRE(write_file(pki + "/ca.key", next_key).has_value());  // the key of one, the certificate of the other
  REQUIRE(provisioning::adopt_authority(pki).has_value());
  CHECK(fleet.blocks("ca.pem") == 2);
  const auto issued = fleet.answer("pump-1", certificate_request("pump-1"));
  REQUIRE(issued.has_value());
  fleet.confirm("pump-1", *issued);
  CHECK(fleet.issuer("pump-1") == "/ca.pem");
  CHECK(fleet.issuer("pump-2") == "/former/ca.pem");
}

TEST_CASE("authority: a device that was lost is revoked all the same, and is lost once", "[renewal]") {
  const Fleet fleet;
  const std::string pki = fleet.folder.path();
  REQUIRE(provisioning::announce_authority(pki, 100).has_value());
  fleet.confirm("pump-1", *fleet.answer("pump-1", certificate_request("pump-1")));
  REQUIRE(provisioning::adopt_authority(pki).has_value());
  REQUIRE(provisioning::retire_authority(pki).has_value());  // pump-2 has not renewed
  CHECK(provisioning::devices_of_former(pki).value().empty());
  const auto revocation = provisioning::prepare_revocation({pki, {"pump-2"}, 0});
  INFO((revocation ? std::string() : revocation.error().message));
  REQUIRE(revocation.has_value());
  REQUIRE(revocation->report.certificates.size() == 1);
  CHECK(revocation->report.certificates[0].is_of_retired);
  CHECK_THAT(revocation->id_list, Contains("pump-2"));
  REQUIRE(write_file(pki + "/retired/broken.pem", "no certificate").has_value());
  CHECK_FALSE(provisioning::prepare_revocation({pki, {"pump-2"}, 0}).has_value());
}

TEST_CASE("authority: a certificate of nobody is damage, and no retired authority's", "[renewal]") {
  const Fleet fleet, other;
  const std::string path = fleet.folder.file("devices/pump-1/cert.pem");
  REQUIRE(write_file(path, read_file(other.folder.file("devices/pump-1/cert.pem")).value()).has_value());
  const auto revocation = provisioning::prepare_revocation({fleet.folder.path(), {"pump-1"}, 0});
  REQUIRE_FALSE(revocation.has_value());
  CHECK_THAT(revocation.error().message, Contains(path));
}

TEST_CASE("authority: whom to trust is signed again for a restored backup, above all numbers", "[renewal]") {
  const Fleet fleet;
  const std::string pki = fleet.folder.path();
  REQUIRE(provisioning::announce_authority(pki, 100).has_value());
  const std::string before = provisioning::signed_authorities(pki).value();
  REQUIRE(provisioning::sign_authorities_again(pki).has_value());
  const std::string after = provisioning::signed_authorities(pki).value();
  CHECK(provisioning::claimed_number(bytes_of(after)) > provisioning::claimed_number(bytes_of(before)));
  CHECK(after.substr(provisioning::kReleaseHeaderBytes) == before.substr(provisioning::kReleaseHeaderBytes));
}

TEST_CASE("authority: whom to trust is read only as it was signed", "[renewal]") {
  const Fleet fleet;
  const std::string pki = fleet.folder.path();
  REQUIRE(provisioning::announce_authority(pki, 100).has_value());
  std::string file = read_file(pki + "/authorities.release").value();
  file[200] = static_cast<char>(file[200] ^ 1);
  REQUIRE(write_file(pki + "/authorities.release", file).has_value());
  const auto read = provisioning::signed_authorities(pki);
  REQUIRE_FALSE(read.has_value());
  CHECK_THAT(read.error().message, Contains("authorities.release"));
}

}  // namespace
