#include "skink/coordinator/provisioning/revocation.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "pki.hpp"
#include "skink/coordinator/provisioning/provisioner.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using provisioning::PreparedRevocation;
using provisioning::RevocationRequest;
namespace fs = std::filesystem;

namespace {

using Ids = std::vector<std::string>;

void provision(const test::Pki& pki, const Ids& ids) {
  provisioning::ProvisioningOptions options;
  options.pki = pki.path();
  options.out = pki.file("images");
  options.fleet = "plant";
  options.broker = {"gateway.local", 8883};
  options.existing = provisioning::Existing::kReplace;
  const auto provisioner = provisioning::Provisioner::open(options, ids);
  REQUIRE(provisioner.has_value());
  for (const std::string& id : ids) REQUIRE(provisioner->make(id).has_value());
}

PreparedRevocation revoke(const test::Pki& pki, const Ids& ids, std::uint32_t days = 0) {
  auto prepared = provisioning::prepare_revocation({pki.path(), ids, days});
  if (!prepared) FAIL(prepared.error().message);
  REQUIRE(provisioning::write_revocation(*prepared).has_value());
  return std::move(*prepared);
}

std::string refusal(const test::Pki& pki, const Ids& ids) {
  const auto before = pki.content();
  const auto prepared = provisioning::prepare_revocation({pki.path(), ids, 0});
  auto after = pki.content();
  after.erase(pki.file(".lock"));
  auto files = before;
  files.erase(pki.file(".lock"));
  CHECK(after == files);
  return prepared ? "no error" : prepared.error().message;
}

using Crl = std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)>;

Crl list_in(const test::Pki& pki) {
  const std::string text = read_file(pki.file("crl.pem")).value();
  BIO* memory = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  Crl list(PEM_read_bio_X509_CRL(memory, nullptr, nullptr, nullptr), &X509_CRL_free);
  BIO_free(memory);
  REQUIRE(list != nullptr);
  return list;
}

/// What a broker makes of a device's certificate, with the list and the flags that mosquitto uses.
int verdict(const test::Pki& pki, const std::string& certificate_path) {
  const auto authority = test::certificate_in(pki.file("ca.pem"));
  const auto certificate = test::certificate_in(certificate_path);
  const Crl list = list_in(pki);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, authority.get());
  X509_STORE_add_crl(store, list.get());
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return error;
}

long number_of(const test::Pki& pki) {
  auto* number = static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list_in(pki).get(), NID_crl_number, nullptr, nullptr));
  REQUIRE(number != nullptr);
  const long value = ASN1_INTEGER_get(number);
  ASN1_INTEGER_free(number);
  return value;
}

std::string own(const test::Pki& pki, const std::string& id) { return pki.file("devices/" + id + "/cert.pem"); }

}  // namespace

TEST_CASE("revocation: a revoked certificate is refused, others are not", "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a", "b", "c"});
  revoke(pki, {});  // an empty list
  CHECK(verdict(pki, own(pki, "a")) == X509_V_OK);
  const PreparedRevocation done = revoke(pki, {"b"});
  REQUIRE(done.report.certificates.size() == 1);
  CHECK(done.report.certificates[0].id == "b");
  CHECK_FALSE(done.report.certificates[0].was_revoked);
  CHECK(done.report.total == 1);
  CHECK(verdict(pki, own(pki, "a")) == X509_V_OK);
  CHECK(verdict(pki, own(pki, "b")) == X509_V_ERR_CERT_REVOKED);
  CHECK(provisioning::read_revoked_list(pki.file("revoked.txt")).value() == coordinator::RevokedIds{"b"});
}

TEST_CASE("revocation: lists grow and are numbered", "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a", "b", "c"});
  pki.folder.write("revoked.txt", "# our own notes\nz # by hand");
  revoke(pki, {"a"});
  CHECK(number_of(pki) == 1);
  const PreparedRevocation second = revoke(pki, {"c", "a", "c"});
  CHECK(number_of(pki) == 2);
  REQUIRE(second.report.certificates.size() == 2);
  CHECK(second.report.certificates[0].was_revoked);
  CHECK_FALSE(second.report.certificates[1].was_revoked);
  CHECK(second.report.total == 2);
  for (const char* id : {"a", "c"}) CHECK(verdict(pki, own(pki, id)) == X509_V_ERR_CERT_REVOKED);
  CHECK(verdict(pki, own(pki, "b")) == X509_V_OK);
  CHECK(provisioning::read_revoked_list(pki.file("revoked.txt")).value() == coordinator::RevokedIds{"a", "c", "z"});
  CHECK_THAT(read_file(pki.file("revoked.txt")).value(), Contains("# our own notes\nz # by hand\na  # 20"));
}

TEST_CASE("revocation: certificates that were replaced fall with the device", "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a", "b"});
  fs::copy_file(own(pki, "a"), pki.file("stolen.pem"));
  provision(pki, {"a"});
  CHECK(revoke(pki, {"a"}).report.certificates.size() == 2);
  CHECK(verdict(pki, pki.file("stolen.pem")) == X509_V_ERR_CERT_REVOKED);
  CHECK(verdict(pki, own(pki, "a")) == X509_V_ERR_CERT_REVOKED);
  CHECK(verdict(pki, own(pki, "b")) == X509_V_OK);
}

TEST_CASE("revocation: the next update is due when asked, and no later than the authority's end",
          "[coordinator][provisioning][revoked]") {
  const test::Pki pki({-1, 100});
  const auto authority = test::certificate_in(pki.file("ca.pem"));
  const auto days = GENERATE(0U, 30U, 99U, 5000U);
  revoke(pki, {}, days);
  const Crl list = list_in(pki);
  const ASN1_TIME* due = X509_CRL_get0_nextUpdate(list.get());
  if (days == 0 || days == 5000) {
    CHECK(ASN1_TIME_compare(due, X509_get0_notAfter(authority.get())) == 0);
  } else {
    int left = 0;
    int seconds = 0;
    REQUIRE(ASN1_TIME_diff(&left, &seconds, nullptr, due) == 1);
    CHECK((left == static_cast<int>(days) || left + 1 == static_cast<int>(days)));
  }
  CHECK(X509_cmp_current_time(X509_CRL_get0_lastUpdate(list.get())) < 0);
}

TEST_CASE("revocation: what a broker of another user reads is readable", "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a"});
  const mode_t before = ::umask(0077);
  revoke(pki, {"a"});
  ::umask(before);
  for (const char* name : {"crl.pem", "revoked.txt"}) {
    CHECK(static_cast<int>(fs::status(pki.file(name)).permissions()) == 0644);
  }
}

TEST_CASE("revocation: refusals name what is wrong and write nothing", "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a", "b"});
  CHECK_THAT(refusal(pki, {"a", "none"}), Contains("'none' has no certificate in " + pki.file("devices/none")));
  CHECK_THAT(refusal(pki, {"../devices/a"}), Contains("'../devices/a' has no certificate"));
  CHECK_THAT(refusal(pki, {".."}), Contains("'..' has no certificate"));
  CHECK_THAT(refusal(pki, {""}), Contains("'' has no certificate"));

  fs::create_directories(pki.file("devices/foreign"));
  pki.folder.write("devices/foreign/cert.pem", test::self_signed().certificate);
  CHECK_THAT(refusal(pki, {"foreign"}), Contains("foreign/cert.pem: not signed by " + pki.file("ca.pem")));
  fs::create_directories(pki.file("devices/copy"));
  fs::copy_file(own(pki, "a"), own(pki, "copy"));
  CHECK_THAT(refusal(pki, {"copy"}), Contains("copy/cert.pem: is for 'a'"));

  pki.folder.write("crl.pem", "no list");
  CHECK_THAT(refusal(pki, {"a"}), Contains("crl.pem: not a revocation list in PEM form"));
  const test::Pki other;
  revoke(other, {});
  pki.folder.write("crl.pem", read_file(other.file("crl.pem")).value());
  CHECK_THAT(refusal(pki, {"a"}), Contains("crl.pem: not signed by the authority beside it"));
  fs::remove(pki.file("crl.pem"));
  pki.folder.write("revoked.txt", "two words\n");
  CHECK_THAT(refusal(pki, {"a"}), Contains("revoked.txt:1: 'two words'"));
  fs::remove(pki.file("revoked.txt"));
  fs::remove(pki.file("ca.key"));
  CHECK_THAT(refusal(pki, {"a"}), Contains("ca.key: cannot be read"));
}

TEST_CASE("revocation: one program at a time, and a failure to write can be repeated",
          "[coordinator][provisioning][revoked]") {
  const test::Pki pki;
  provision(pki, {"a"});
  {
    const auto first = provisioning::prepare_revocation({pki.path(), {"a"}, 0});
    REQUIRE(first.has_value());
    CHECK_THAT(refusal(pki, {"a"}), Contains("another program issues or revokes here"));
    fs::create_directories(pki.file("crl.pem.part/below"));
    const auto written = provisioning::write_revocation(*first);
    REQUIRE(written.has_error());
    CHECK_THAT(written.error().message, Contains("crl.pem: cannot be written"));
  }
  fs::remove_all(pki.file("crl.pem.part"));
  revoke(pki, {"a"});
  CHECK(verdict(pki, own(pki, "a")) == X509_V_ERR_CERT_REVOKED);
  CHECK(provisioning::read_revoked_list(pki.file("revoked.txt")).value().size() == 1);
}
