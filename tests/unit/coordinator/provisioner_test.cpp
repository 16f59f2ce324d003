#include "skink/coordinator/provisioning/provisioner.hpp"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <set>

#include "provisioning_options.hpp"
#include "skink/common/provisioning/identity.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using provisioning::Existing;
using provisioning::Provisioner;
using provisioning::ProvisioningOptions;
using test::options_for;
using test::reason;
namespace fs = std::filesystem;

namespace {

void make(const ProvisioningOptions& options, const std::vector<std::string>& ids) {
  const auto provisioner = Provisioner::open(options, ids);
  if (!provisioner) FAIL(provisioner.error().message);
  for (const std::string& id : ids) {
    const auto made = provisioner->make(id);
    if (!made) FAIL(made.error().message);
  }
}

int mode_of(const std::string& path) { return static_cast<int>(fs::status(path).permissions()); }

std::string string_of(Span<const char> text) { return {text.data(), text.size()}; }

/// An image in memory, read; as a device has it.
struct Flashed {
  explicit Flashed(const std::string& path) : bytes(read_file(path).value()) {
    bytes.resize(provisioning::kMaxIdentityBytes, '\xff');
    REQUIRE(provisioning::read_identity(bytes_of(bytes), identity) == Status::kOk);
  }
  std::string bytes;
  provisioning::DeviceIdentity identity;
};

/// Checks an image with the library that devices have.
void check_with_mbedtls(const provisioning::DeviceIdentity& identity) {
  mbedtls_x509_crt ca;
  mbedtls_x509_crt own;
  mbedtls_pk_context key;
  mbedtls_x509_crt_init(&ca);
  mbedtls_x509_crt_init(&own);
  mbedtls_pk_init(&key);
  CHECK(mbedtls_x509_crt_parse_der_nocopy(&ca, identity.ca_certificate.data(), identity.ca_certificate.size()) == 0);
  CHECK(mbedtls_x509_crt_parse_der_nocopy(&own, identity.certificate.data(), identity.certificate.size()) == 0);
  CHECK(mbedtls_pk_parse_key(&key, identity.private_key.data(), identity.private_key.size(), nullptr, 0) == 0);
  CHECK(mbedtls_pk_check_pair(&own.pk, &key) == 0);
  std::uint32_t flags = 0;
  CHECK(mbedtls_x509_crt_verify(&own, &ca, nullptr, nullptr, &flags, nullptr, nullptr) == 0);
  CHECK(flags == 0);
  CHECK(mbedtls_x509_crt_check_extended_key_usage(&own, MBEDTLS_OID_CLIENT_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)) == 0);
  CHECK(mbedtls_x509_crt_check_extended_key_usage(&own, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0);
  mbedtls_ecp_group curve;
  mbedtls_ecp_point point;
  mbedtls_ecp_group_init(&curve);
  mbedtls_ecp_point_init(&point);
  CHECK(mbedtls_ecp_group_load(&curve, MBEDTLS_ECP_DP_SECP256R1) == 0);
  CHECK(mbedtls_ecp_point_read_binary(&curve, &point, identity.release_key.data(), identity.release_key.size()) == 0);
  CHECK(mbedtls_ecp_check_pubkey(&curve, &point) == 0);
  mbedtls_ecp_point_free(&point);
  mbedtls_ecp_group_free(&curve);
  mbedtls_pk_free(&key);
  mbedtls_x509_crt_free(&own);
  mbedtls_x509_crt_free(&ca);
}

}  // namespace

TEST_CASE("provisioning: a device gets all it needs, and only its owner may read the secrets",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  options.tls_server_name = "broker.example";
  options.time_servers = {NetworkAddress{"192.0.2.1", 123}, NetworkAddress{"time.example", 1123}};
  make(options, {"pump-1"});

  const std::string own = pki.file("devices/pump-1");
  for (const std::string& secret : {own + "/key.pem", own + "/hmac.key", pki.file("images/pump-1.bin"),
                                    pki.file("images/pump-1.hex"), pki.file("release.key")}) {
    INFO(secret);
    CHECK(mode_of(secret) == 0600);
  }
  const auto text = [](const std::string& name) { return Span<const char>(name.data(), name.size()); };
  const std::string fleet = "plant";
  const std::string id = "pump-1";
  const crypto::Key key = crypto::device_key(read_key(pki.file("master.key")).value(), text(fleet), text(id));
  const crypto::Key written_key = read_key(own + "/hmac.key").value();
  CHECK(std::memcmp(written_key.bytes, key.bytes, crypto::kKeyBytes) == 0);

  const Flashed flashed(pki.file("images/pump-1.bin"));
  const provisioning::DeviceIdentity& identity = flashed.identity;
  CHECK(string_of(identity.fleet) == "plant");
  CHECK(string_of(identity.device_id) == "pump-1");
  CHECK(std::memcmp(identity.hmac_key.bytes, key.bytes, crypto::kKeyBytes) == 0);
  CHECK(string_of(identity.broker_host) == "gateway.local");
  CHECK(identity.broker_port == 8883);
  CHECK(string_of(identity.tls_server_name) == "broker.example");
  CHECK(string_of(identity.time_servers[0].host) == "192.0.2.1");
  CHECK(identity.time_servers[0].port == 123);
  CHECK(string_of(identity.time_servers[1].host) == "time.example");
  CHECK(identity.time_servers[1].port == 1123);
  check_with_mbedtls(identity);
  const auto certificate = test::certificate_in(own + "/cert.pem");
  CHECK(X509_verify(certificate.get(), X509_get0_pubkey(test::certificate_in(pki.file("ca.pem")).get())) == 1);
  CHECK_FALSE(fs::exists(pki.file(".unfinished")));
}

TEST_CASE("provisioning: devices differ in everything that must differ", "[coordinator][provisioning]") {
  const test::Pki pki;
  make(options_for(pki), {"a", "b"});
  const Flashed a(pki.file("images/a.bin"));
  const Flashed b(pki.file("images/b.bin"));
  CHECK(a.identity.seed != b.identity.seed);
  CHECK(std::memcmp(a.identity.hmac_key.bytes, b.identity.hmac_key.bytes, crypto::kKeyBytes) != 0);
  CHECK(read_file(pki.file("devices/a/key.pem")).value() != read_file(pki.file("devices/b/key.pem")).value());
  const auto first = test::certificate_in(pki.file("devices/a/cert.pem"));
  const auto second = test::certificate_in(pki.file("devices/b/cert.pem"));
  CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(first.get()), X509_get0_serialNumber(second.get())) != 0);
  CHECK(std::memcmp(a.identity.release_key.data(), b.identity.release_key.data(), provisioning::kReleaseKeyBytes) == 0);
}

TEST_CASE("provisioning: the longest names fit in an image", "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  const std::string id(64, 'i');
  options.fleet = std::string(64, 'f');
  options.broker.host = std::string(253, 'b');
  options.tls_server_name = std::string(253, 's');
  options.time_servers.assign(provisioning::kMaxTimeServers, NetworkAddress{std::string(253, 't'), 65535});
  make(options, {id});
  check_with_mbedtls(Flashed(pki.file("images/" + id + ".bin")).identity);
}

TEST_CASE("provisioning: a certificate ends when asked, and never after its authority", "[coordinator][provisioning]") {
  const test::Pki pki({-1, 100});
  ProvisioningOptions options = options_for(pki);
  options.days = 30;
  make(options, {"short"});
  options.days = 3650;
  make(options, {"long"});
  int days = 0;
  int seconds = 0;
  const auto shorter = test::certificate_in(pki.file("devices/short/cert.pem"));
  const auto longer = test::certificate_in(pki.file("devices/long/cert.pem"));
  const auto authority = test::certificate_in(pki.file("ca.pem"));
  REQUIRE(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(shorter.get())) == 1);
  CHECK((days == 29 || (days == 30 && seconds == 0)));
  CHECK(ASN1_TIME_compare(X509_get0_notAfter(longer.get()), X509_get0_notAfter(authority.get())) == 0);
  CHECK(X509_cmp_current_time(X509_get0_notBefore(longer.get())) < 0);
}

TEST_CASE("provisioning: ids that cannot be are refused before anything is written", "[coordinator][provisioning]") {
  const test::Pki pki;
  const ProvisioningOptions options = options_for(pki);
  make(options, {"here"});
  pki.folder.write("images/flashed.bin", "of another fleet");
  pki.folder.write("revoked.txt", "gone # stolen\n");
  const auto before = pki.content();
  const auto refusal = [&options](const std::vector<std::string>& ids) {
    return reason(Provisioner::open(options, ids));
  };
  CHECK(refusal({"new"}) == "no error");
  CHECK_THAT(refusal({"new", "here"}), Contains("'here' exists (" + pki.file("devices/here") + "); --force"));
  CHECK_THAT(refusal({"flashed"}), Contains("'flashed' exists (" + pki.file("images/flashed.bin")));
  CHECK_THAT(refusal({"new", "other", "new"}), Contains("'new' is named twice"));
  CHECK_THAT(refusal({"gone"}), Contains("'gone' is revoked"));
  for (const std::string& wrong : {std::string(), std::string("coordinator"), std::string("a/b"), std::string(".."),
                                   std::string("."), std::string("a b"), std::string(65, 'x')}) {
    CHECK_THAT(refusal({wrong}), Contains("'" + wrong + "' is not a device id"));
  }
  ProvisioningOptions forced = options;
  forced.existing = Existing::kReplace;
  CHECK(Provisioner::open(forced, {"here", "flashed"}).has_value());
  CHECK(Provisioner::open(forced, {"gone"}).has_error());
  pki.folder.write("revoked.txt", "two words\n");
  CHECK_THAT(refusal({"new"}), Contains("revoked.txt:1: 'two words'"));
  pki.folder.write("revoked.txt", "gone # stolen\n");
  CHECK(pki.content() == before);
}

TEST_CASE("provisioning: an unfit authority or master key is refused, and nothing is written",
          "[coordinator][provisioning]") {
  const auto refusal = [](const test::Pki& pki) {
    const auto before = pki.content();
    std::string text = reason(Provisioner::open(options_for(pki), {}));
    CHECK(pki.content() == before);
    CHECK_FALSE(fs::exists(pki.file("images")));
    return text;
  };
  SECTION("absent") {
    const test::Pki pki;
    const std::string name = GENERATE("ca.pem", "ca.key", "master.key");
    fs::remove(pki.file(name));
    CHECK_THAT(refusal(pki), Contains(pki.file(name) + ": cannot be read: No such file"));
  }
  SECTION("damaged") {
    const test::Pki pki;
    pki.folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK_THAT(refusal(pki), Contains("ca.pem: not a certificate in PEM form: "));
  }
  SECTION("a key that is none") {
    const test::Pki pki;
    pki.folder.write("ca.key", "");
    CHECK_THAT(refusal(pki), Contains("ca.key: not a private key in PEM form: "));
  }
  SECTION("expired") { CHECK_THAT(refusal(test::Pki({-20, -10})), Contains("ca.pem: has expired on 20")); }
  SECTION("not valid yet") { CHECK_THAT(refusal(test::Pki({2, 10})), Contains("ca.pem: is not valid before 20")); }
  SECTION("no authority") {
    CHECK_THAT(refusal(test::Pki({-1, 10, false})), Contains("ca.pem: not the certificate of an authority"));
  }
  SECTION("another's key") {
    const test::Pki pki;
    pki.folder.write("ca.key", test::self_signed().key);
    CHECK_THAT(refusal(pki), Contains("ca.key: does not belong to " + pki.file("ca.pem")));
  }
  SECTION("a master key of another form") {
    const test::Pki pki;
    pki.folder.write("master.key", "secret\n");
    CHECK_THAT(refusal(pki), Contains("master.key: a key is 64 hexadecimal digits"));
  }
  SECTION("a fleet that cannot be") {
    const test::Pki pki;
    ProvisioningOptions options = options_for(pki);
    options.fleet = "a/b";
    CHECK_THAT(reason(Provisioner::open(options, {})), Contains("'a/b' is not a fleet's name"));
  }
}

TEST_CASE("provisioning: with force a device gets new keys, and its old certificates are kept for a revocation",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  make(options, {"pump"});
  const std::string first = read_file(pki.file("devices/pump/cert.pem")).value();
  const std::string hmac_key = read_file(pki.file("devices/pump/hmac.key")).value();
  options.existing = Existing::kReplace;
  make(options, {"pump"});
  const std::string second = read_file(pki.file("devices/pump/cert.pem")).value();
  make(options, {"pump"});
  const std::string third = read_file(pki.file("devices/pump/cert.pem")).value();
  CHECK((first != second && second != third));
  std::set<std::string> kept;
  for (const auto& entry : fs::directory_iterator(pki.file("devices/pump"))) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("replaced-", 0) == 0) kept.insert(read_file(entry.path().string()).value());
  }
  CHECK(kept == std::set<std::string>{first, second});
  CHECK(read_file(pki.file("devices/pump/hmac.key")).value() == hmac_key);  // a function of master key and id
  check_with_mbedtls(Flashed(pki.file("images/pump.bin")).identity);
  CHECK_FALSE(fs::exists(pki.file(".unfinished")));
}

TEST_CASE("provisioning: the release key is made once, and its private half may be elsewhere",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  make(options_for(pki), {"a"});
  const std::string private_half = read_file(pki.file("release.key")).value();
  const std::string public_half = read_file(pki.file("release.pub")).value();
  CHECK(mode_of(pki.file("release.pub")) == 0644);
  const Flashed a(pki.file("images/a.bin"));
  const auto has_same_key = [&](const std::string& id) {
    const Flashed other(pki.file("images/" + id + ".bin"));
    return std::memcmp(a.identity.release_key.data(), other.identity.release_key.data(),
                       provisioning::kReleaseKeyBytes) == 0;
  };
  fs::remove(pki.file("release.key"));
  make(options_for(pki), {"b"});
  CHECK_FALSE(fs::exists(pki.file("release.key")));
  CHECK(has_same_key("b"));
  pki.folder.write("release.key", private_half);
  fs::remove(pki.file("release.pub"));
  make(options_for(pki), {"c"});
  CHECK(read_file(pki.file("release.pub")).value() == public_half);
  CHECK(has_same_key("c"));
  fs::remove(pki.file("release.pub"));
  pki.folder.write("release.key", test::self_signed({}, "P-384").key);
  CHECK_THAT(reason(Provisioner::open(options_for(pki), {})), Contains("release.key: not a P-256 key"));
  pki.folder.write("release.pub", "no key");
  CHECK_THAT(reason(Provisioner::open(options_for(pki), {})), Contains("release.pub: not a public key in PEM form"));
}

TEST_CASE("provisioning: a device that cannot be written leaves nothing, those before it are complete",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  const ProvisioningOptions options = options_for(pki);
  auto provisioner = Provisioner::open(options, {"first", "second"});
  REQUIRE(provisioner.has_value());
  REQUIRE(provisioner->make("first").has_value());
  const auto before = pki.content();
  const std::string in_the_way = GENERATE("images/second.bin.part", "images/second.hex.part", ".unfinished");
  CAPTURE(in_the_way);
  if (in_the_way == ".unfinished") {
    pki.folder.write(in_the_way, "");
  } else {
    fs::create_directories(pki.file(in_the_way + "/below"));
  }
  const auto failed = provisioner->make("second");
  REQUIRE(failed.has_error());
  CHECK_THAT(failed.error().message, Contains("cannot be "));
  fs::remove_all(pki.file(in_the_way));
  CHECK(pki.content() == before);
  CHECK(provisioner->make("second").has_value());
}

TEST_CASE("provisioning: names that cannot stand in an image are refused before anything is written",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  options.broker.host = GENERATE(std::string("a host"), std::string(254, 'h'));
  auto provisioner = Provisioner::open(options, {"pump"});
  REQUIRE(provisioner.has_value());
  const auto failed = provisioner->make("pump");
  REQUIRE(failed.has_error());
  CHECK_THAT(failed.error().message, Contains("'pump': broker, server name or time server"));
  CHECK_FALSE(fs::exists(pki.file("devices/pump")));
}

TEST_CASE("provisioning: one program at a time", "[coordinator][provisioning]") {
  const test::Pki pki;
  auto first = Provisioner::open(options_for(pki), {});
  REQUIRE(first.has_value());
  CHECK_THAT(reason(Provisioner::open(options_for(pki), {})), Contains("another program issues or revokes here"));
  first = Provisioner::open(options_for(test::Pki()), {});
  CHECK(Provisioner::open(options_for(pki), {}).has_value());
}
