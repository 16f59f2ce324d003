/// @file
/// A device whose secure element has its key.

#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "provisioning_options.hpp"
#include "requests.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/common/provisioning/key_name.hpp"
#include "skink/coordinator/provisioning/provisioner.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using provisioning::Provisioner;
using provisioning::ProvisioningOptions;
using test::options_for;
using test::reason;
namespace fs = std::filesystem;

namespace {

/// The image of "pump", made from the request of the options.
std::string image_of_pump(const ProvisioningOptions& options) {
  const auto provisioner = Provisioner::open(options, {"pump"});
  if (!provisioner) FAIL(provisioner.error().message);
  const auto made = provisioner->make("pump");
  if (!made) FAIL(made.error().message);
  return read_file(made->image).value();
}

}  // namespace

TEST_CASE("provisioner: a request is answered, and no key is made", "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  const auto request = test::certificate_request("pump");
  options.request = pki.file("pump.csr");
  options.key_name = "slot:3";
  pki.folder.write("pump.csr", {request.begin(), request.end()});
  const std::string image = image_of_pump(options);
  provisioning::DeviceIdentity identity;
  REQUIRE(provisioning::read_identity(bytes_of(image), identity) == Status::kOk);
  const Span<const char> name = provisioning::key_name(identity.private_key);
  CHECK(std::string(name.data(), name.size()) == "slot:3");
  CHECK_FALSE(fs::exists(pki.file("devices/pump/key.pem")));
  CHECK(fs::exists(pki.file("devices/pump/hmac.key")));
  const unsigned char* at = request.data();
  X509_REQ* asked = d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size()));
  at = identity.certificate.data();
  X509* given = d2i_X509(nullptr, &at, static_cast<long>(identity.certificate.size()));
  CHECK(EVP_PKEY_eq(X509_get0_pubkey(given), X509_REQ_get0_pubkey(asked)) == 1);
  X509_free(given);
  X509_REQ_free(asked);
}

TEST_CASE("provisioner: a request that does not fit is refused, and nothing is written",
          "[coordinator][provisioning]") {
  const test::Pki pki;
  ProvisioningOptions options = options_for(pki);
  const auto refusal = [&](const std::vector<std::uint8_t>& request, const std::vector<std::string>& ids) {
    options.request = pki.file("pump.csr");
    pki.folder.write("pump.csr", {request.begin(), request.end()});
    const std::string why = reason(Provisioner::open(options, ids));
    CHECK_FALSE(fs::exists(pki.file("release.key")));
    return why;
  };
  const auto good = test::certificate_request("pump");
  CHECK_THAT(refusal(good, {"pump"}), Contains("comes with the name of its key"));
  options.key_name = "not\nprintable";
  CHECK_THAT(refusal(good, {"pump"}), Contains("comes with the name of its key"));
  options.key_name = "slot:3";
  CHECK_THAT(refusal(good, {"pump", "valve"}), Contains("for one device"));
  CHECK_THAT(refusal(good, {"valve"}), Contains("for another name"));
  CHECK_THAT(refusal(test::certificate_request("pump", "P-384"), {"pump"}), Contains("curve P-256"));
  auto spoilt = good;
  spoilt.back() ^= 1;
  CHECK_THAT(refusal(spoilt, {"pump"}), Contains("not signed by its own key"));
  CHECK_THAT(refusal({1, 2, 3}, {"pump"}), Contains("no PKCS #10 request"));
  options.request = pki.file("absent.csr");
  CHECK_THAT(reason(Provisioner::open(options, {"pump"})), Contains("absent.csr"));
  options.request.clear();
  CHECK_THAT(reason(Provisioner::open(options, {"pump"})), Contains("the other way round"));
}
