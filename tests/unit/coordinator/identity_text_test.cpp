#include "skink/coordinator/provisioning/identity_text.hpp"

#include <catch2/catch.hpp>

#include "pki.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/coordinator/provisioning/provisioner.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using provisioning::describe_identity;

namespace {

/// A PKI with the devices a and b, and a's identity to be changed.
struct Bench {
  Bench() {
    provisioning::ProvisioningOptions options;
    options.pki = pki.path();
    options.out = pki.file("images");
    options.fleet = "plant";
    options.broker = {"gateway.local", 8883};
    const auto provisioner = provisioning::Provisioner::open(options, {"a", "b"});
    REQUIRE(provisioner.has_value());
    REQUIRE(provisioner->make("a").has_value());
    REQUIRE(provisioner->make("b").has_value());
    a_bytes = read_file(pki.file("images/a.bin")).value();
    b_bytes = read_file(pki.file("images/b.bin")).value();
    REQUIRE(provisioning::read_identity(bytes_of(a_bytes), a) == Status::kOk);
    REQUIRE(provisioning::read_identity(bytes_of(b_bytes), b) == Status::kOk);
  }

  std::string refusal(const provisioning::DeviceIdentity& identity) const {
    std::string image(provisioning::kMaxIdentityBytes, '\0');
    std::size_t written = 0;
    REQUIRE(provisioning::write_identity(identity, {reinterpret_cast<std::uint8_t*>(image.data()), image.size()},
                                         written) == Status::kOk);
    return refusal(image.substr(0, written));
  }
  std::string refusal(const std::string& image) const {
    pki.folder.write("image", image);
    const auto text = describe_identity(pki.file("image"));
    return text ? "no error" : text.error().message;
  }

  test::Pki pki;
  std::string a_bytes;
  std::string b_bytes;
  provisioning::DeviceIdentity a;
  provisioning::DeviceIdentity b;
};

std::string hex_of(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

}  // namespace

TEST_CASE("identity text: says who a device is, and keeps its secrets", "[coordinator][provisioning]") {
  const Bench bench;
  const std::string text = describe_identity(bench.pki.file("images/a.bin")).value();
  CHECK_THAT(text, Contains("device       a of fleet plant\n") && Contains("broker       gateway.local port 8883\n") &&
                       Contains("time server  none\n") && Contains("CA           test CA, valid ") &&
                       Contains("certificate  a, valid ") && Contains("belongs to the certificate"));
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(bench.a.certificate), hex);
  CHECK_THAT(text, Contains(hex));
  crypto::to_hex(crypto::sha256(Bytes(bench.a.hmac_key.bytes)), hex);
  CHECK_THAT(text, Contains(hex));
  for (const std::string& secret :
       {hex_of(bench.a.private_key).substr(14, 64), hex_of(Bytes(bench.a.hmac_key.bytes))}) {
    CHECK_THAT(text, !Contains(secret));
    CHECK_THAT(text, !Contains(secret.substr(0, 16)));
  }
}

TEST_CASE("identity text: what is damaged, torn or erased is refused with its reason", "[coordinator][provisioning]") {
  const Bench bench;
  CHECK(bench.refusal(bench.a_bytes) == "no error");
  CHECK(bench.refusal(bench.a_bytes + std::string(100, '\xff')) == "no error");
  std::string flipped = bench.a_bytes;
  flipped[600] = static_cast<char>(flipped[600] ^ 4);
  CHECK_THAT(bench.refusal(flipped), Contains("image: refused: the content is damaged"));
  CHECK_THAT(bench.refusal(bench.a_bytes.substr(0, 1000)), Contains("image: refused: the bytes end too early"));
  CHECK_THAT(bench.refusal(std::string(4096, '\xff')), Contains("image: erased: this device is not provisioned"));
  std::string newer = bench.a_bytes;
  newer[4] = 2;
  CHECK_THAT(bench.refusal(newer), Contains("written by a newer version; update this program"));
  CHECK_THAT(describe_identity(bench.pki.file("none")).error().message, Contains("none: cannot be read"));
}

TEST_CASE("identity text: parts that do not belong together are refused", "[coordinator][provisioning]") {
  const Bench bench;
  provisioning::DeviceIdentity mixed = bench.a;
  mixed.private_key = bench.b.private_key;
  CHECK_THAT(bench.refusal(mixed), Contains("the private key does not belong to the certificate"));
  mixed = bench.a;
  mixed.device_id = bench.b.device_id;
  CHECK_THAT(bench.refusal(mixed), Contains("the certificate is for 'a'"));
  mixed = bench.a;
  mixed.ca_certificate = bench.b.certificate;
  CHECK_THAT(bench.refusal(mixed), Contains("the certificate is not signed by the CA beside it"));
  const std::uint8_t empty[] = {0x30, 0};
  for (Bytes provisioning::DeviceIdentity::*part :
       {&provisioning::DeviceIdentity::ca_certificate, &provisioning::DeviceIdentity::certificate,
        &provisioning::DeviceIdentity::private_key}) {
    mixed = bench.a;
    mixed.*part = empty;
    CHECK_THAT(bench.refusal(mixed), Contains("cannot be parsed"));
  }
}
