#include "authority.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>

#include "skink/coordinator/provisioning/host_name.hpp"

namespace skink::provisioning {
namespace {

/// RFC 5280, 4.1.2.2: positive, at most 20 bytes; as many random bits as OpenSSL's own tools take.
constexpr int kSerialBits = 159;

void set_random_serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, Freer<&BN_free>> number(BN_new());
  require(number != nullptr && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
          "making a serial number");
}

void add_name(X509_NAME* subject, const char* field, const std::string& text) {
  require(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0) == 1,
          "naming a certificate");
}

void add_extension(X509V3_CTX& context, X509* certificate, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, Freer<&X509_EXTENSION_free>> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, kind, value));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "extending a certificate");
}

void set_days(X509* certificate, std::uint32_t days) {
  require(X509_gmtime_adj(X509_getm_notBefore(certificate), kClockSlackSeconds) != nullptr &&
              X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(days), 0, nullptr) != nullptr,
          "dating a certificate");
}

void set_validity(X509* certificate, X509* authority, std::uint32_t days) {
  set_days(certificate, days);
  const ASN1_TIME* end = X509_get0_notAfter(authority);
  if (ASN1_TIME_compare(X509_get0_notAfter(certificate), end) > 0) {
    require(X509_set1_notAfter(certificate, end) == 1, "dating a certificate");
  }
}

/// As OpenSSL's configuration has it.
std::string alternative_name(const std::string& host) { return (is_address(host) ? "IP:" : "DNS:") + host; }

}  // namespace

Result<Authority> Authority::open(const PkiFolder& folder, Expired expired) {
  Authority authority;
  auto certificate = read_certificate(folder.ca());
  if (!certificate) return certificate.error();
  authority.certificate_ = std::move(*certificate);
  X509* ca = authority.certificate_.get();
  const auto refuse = [&folder](const std::string& why) {
    return make_error(Status::kDamaged, folder.ca() + ": " + why);
  };
  if (X509_check_ca(ca) != 1) return refuse("not the certificate of an authority (CA:TRUE, keyCertSign)");
  if (expired == Expired::kIsRefused && X509_cmp_current_time(X509_get0_notAfter(ca)) < 0) {
    return refuse("has expired on " + date_text(X509_get0_notAfter(ca)) + "; a new fleet needs a new authority");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(ca)) > 0) {
    return refuse("is not valid before " + date_text(X509_get0_notBefore(ca)) + "; is the clock right?");
  }
  auto key = read_private_key(folder.ca_key());
  if (!key) return key.error();
  authority.key_ = std::move(*key);
  if (X509_check_private_key(ca, authority.key_.get()) != 1) {
    ERR_clear_error();
    return make_error(Status::kDamaged, folder.ca_key() + ": does not belong to " + folder.ca());
  }
  return authority;
}

Result<std::vector<Authority>> Authority::open_all(const PkiFolder& folder) {
  std::vector<Authority> all;
  for (const PkiFolder& one : {folder, folder.next(), folder.former()}) {
    if (!all.empty() && !has_authority(one)) continue;
    auto authority = open(one, all.empty() ? Expired::kIsRefused : Expired::kIsTaken);
    if (!authority) return authority.error();
    // While a step of a change is unfinished, two folders may hold the same one.
    const bool is_there = std::any_of(all.begin(), all.end(), [&authority](const Authority& other) {
      return X509_cmp(other.certificate(), authority->certificate()) == 0;
    });
    if (!is_there) all.push_back(std::move(*authority));
  }
  return all;
}

Authority Authority::create(const std::string& fleet, std::uint32_t days) {
  Authority authority;
  authority.key_ = generate_p256_key();
  authority.certificate_ = Certificate(X509_new());
  X509* certificate = authority.certificate_.get();
  require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1, "making a certificate");
  set_random_serial(certificate);
  set_days(certificate, days);
  add_name(X509_get_subject_name(certificate), "O", fleet);
  add_name(X509_get_subject_name(certificate), "CN", "skink CA");
  require(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
              X509_set_pubkey(certificate, authority.key_.get()) == 1,
          "making a certificate");
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  add_extension(context, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(context, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(context, certificate, NID_subject_key_identifier, "hash");
  require(X509_sign(certificate, authority.key_.get(), EVP_sha256()) > 0, "signing a certificate");
  return authority;
}

/// All but what the certificate is for.
Certificate Authority::begin(EVP_PKEY* key, const std::string& fleet, const std::string& name,
                             std::uint32_t days) const {
  Certificate issued(X509_new());
  X509* certificate = issued.get();
  require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1, "making a certificate");
  set_random_serial(certificate);
  set_validity(certificate, certificate_.get(), days);
  add_name(X509_get_subject_name(certificate), "O", fleet);
  add_name(X509_get_subject_name(certificate), "CN", name);
  require(X509_set_issuer_name(certificate, X509_get_subject_name(certificate_.get())) == 1 &&
              X509_set_pubkey(certificate, key) == 1,
          "making a certificate");
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate_.get(), certificate, nullptr, nullptr, 0);
  add_extension(context, certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(context, certificate, NID_key_usage, "critical,digitalSignature");
  return issued;
}

void Authority::sign(X509* certificate) const {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate_.get(), certificate, nullptr, nullptr, 0);
  add_extension(context, certificate, NID_subject_key_identifier, "hash");
  add_extension(context, certificate, NID_authority_key_identifier, "keyid");
  require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "signing a certificate");
}

Certificate Authority::issue(EVP_PKEY* device_key, const std::string& fleet, const std::string& device_id,
                             std::uint32_t days) const {
  Certificate issued = begin(device_key, fleet, device_id, days);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate_.get(), issued.get(), nullptr, nullptr, 0);
  add_extension(context, issued.get(), NID_ext_key_usage, "clientAuth");
  sign(issued.get());
  return issued;
}

Certificate Authority::issue_server(EVP_PKEY* server_key, const std::string& fleet,
                                    const std::vector<std::string>& hosts, std::uint32_t days) const {
  // RFC 5280, appendix A.1: a common name has 64 characters at most; it is for people, who is checked are the others.
  constexpr std::size_t kMostCommonName = 64;
  Certificate issued = begin(server_key, fleet, hosts.front().substr(0, kMostCommonName), days);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate_.get(), issued.get(), nullptr, nullptr, 0);
  add_extension(context, issued.get(), NID_ext_key_usage, "serverAuth");
  std::string names;
  for (const std::string& host : hosts) names += (names.empty() ? "" : ",") + alternative_name(host);
  add_extension(context, issued.get(), NID_subject_alt_name, names.c_str());
  sign(issued.get());
  return issued;
}

std::string Authority::fleet() const {
  constexpr std::string_view kOldPrefix = "skink ";
  std::string name = organization_of(certificate_.get());
  if (common_name_of(certificate_.get()) == "skink CA") return name;
  return name.rfind(kOldPrefix, 0) == 0 ? name.substr(kOldPrefix.size()) : std::string();
}

bool has_signed(X509* authority, X509* certificate) {
  const bool has = X509_check_issued(authority, certificate) == X509_V_OK &&
                   X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
  ERR_clear_error();
  return has;
}

Result<std::vector<Certificate>> retired_authorities(const PkiFolder& folder) {
  std::vector<Certificate> all;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder.retired(), code)) {
    if (entry.path().extension() != ".pem") continue;
    auto certificate = read_certificate(entry.path().string());
    if (!certificate) return certificate.error();
    all.push_back(std::move(*certificate));
  }
  return all;
}

Result<void> keep_retired(const PkiFolder& folder, X509* authority) {
  const auto made = make_folder(folder.retired());
  if (!made) return made;
  const std::string name = serial_text(X509_get0_serialNumber(authority));
  return write_file(folder.retired() + "/" + name + ".pem", pem_of(authority), Readers::kEverybody);
}

}  // namespace skink::provisioning
