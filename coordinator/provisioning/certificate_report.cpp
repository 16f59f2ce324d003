#include "skink/coordinator/provisioning/certificate_report.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "openssl.hpp"
#include "revocation_list.hpp"

namespace skink::provisioning {
namespace {

using Store = std::unique_ptr<X509_STORE, Freer<&X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<&X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<&GENERAL_NAMES_free>>;

constexpr std::int64_t kDaySeconds = 86400;

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

std::string issuer_of(X509* certificate) {
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  const int position = X509_NAME_get_index_by_NID(issuer, NID_commonName, -1);
  if (position < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, position));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// 4 bytes or 16, as people write them; empty for another number.
std::string address_text(const ASN1_OCTET_STRING* address) {
  const unsigned char* bytes = ASN1_STRING_get0_data(address);
  const int length = ASN1_STRING_length(address);
  std::string text;
  if (length == 4) {
    for (int i = 0; i < 4; ++i) text += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
  } else if (length == 16) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i += 2) {
      std::string group;
      for (const int byte : {bytes[i], bytes[i + 1]}) {
        group += kDigits[byte >> 4];
        group += kDigits[byte & 15];
      }
      group.erase(0, std::min(group.find_first_not_of('0'), std::size_t{3}));
      text += (i == 0 ? "" : ":") + group;
    }
    if (text == "0:0:0:0:0:0:0:1") text = "::1";
  }
  return text;
}

std::vector<std::string> names_of(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> found;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      found.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      found.push_back(address_text(name->d.iPAddress));
    }
  }
  return found;
}

int purpose_of(CertificateUse use) {
  switch (use) {
    case CertificateUse::kAuthority: return X509_PURPOSE_ANY;
    case CertificateUse::kTlsServer: return X509_PURPOSE_SSL_SERVER;
    case CertificateUse::kTlsClient: break;
  }
  return X509_PURPOSE_SSL_CLIENT;
}

/// Of what OpenSSL says when a certificate is not accepted.
std::string refusal_text(int code, X509* certificate) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "has expired on " + date_text(X509_get0_notAfter(certificate)) + "; renew it: skinkctl certificates renew";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not valid before " + date_text(X509_get0_notBefore(certificate)) + "; is this machine's clock right?";
    case X509_V_ERR_INVALID_PURPOSE: return "is a certificate for another purpose";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return "is signed by another authority";
    default: return std::string("is refused: ") + X509_verify_cert_error_string(code);
  }
}

}  // namespace

std::int64_t CertificateReport::days_left(std::int64_t now) const {
  const std::int64_t seconds = ends - now;
  return seconds >= 0 ? seconds / kDaySeconds : -((-seconds + kDaySeconds - 1) / kDaySeconds);
}

Result<CertificateReport> describe_certificate(const std::string& path) {
  const auto certificate = read_certificate(path);
  if (!certificate) return certificate.error();
  CertificateReport report;
  report.path = path;
  report.subject = common_name_of(certificate->get());
  report.issuer = issuer_of(certificate->get());
  report.names = names_of(certificate->get());
  report.begins = seconds_of(X509_get0_notBefore(certificate->get()));
  report.ends = seconds_of(X509_get0_notAfter(certificate->get()));
  report.valid_until = date_text(X509_get0_notAfter(certificate->get()));
  return report;
}

Result<std::int64_t> end_of_revocation_list(const std::string& path) {
  const auto list = read_pem<RevocationList>(
      path, "revocation list", [](BIO* in) { return PEM_read_bio_X509_CRL(in, nullptr, nullptr, nullptr); });
  if (!list) return list.error();
  return seconds_of(X509_CRL_get0_nextUpdate(list->get()));
}

Result<void> check_key_of(const std::string& certificate, const std::string& key) {
  const auto read = read_certificate(certificate);
  if (!read) return read.error();
  const auto private_key = read_private_key(key);
  if (!private_key) return private_key.error();
  const bool belongs = X509_check_private_key(read->get(), private_key->get()) == 1;
  ERR_clear_error();
  if (belongs) return {};
  return make_error(Status::kDamaged, key + ": does not belong to " + certificate, Cause::kCredentials);
}

Result<void> check_chain(const std::string& ca, const std::string& certificate, CertificateUse use) {
  const auto authority = read_certificate(ca);
  if (!authority) return authority.error();
  const auto checked = read_certificate(certificate);
  if (!checked) return checked.error();
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  require(store != nullptr && context != nullptr && X509_STORE_add_cert(store.get(), authority->get()) == 1 &&
              X509_STORE_CTX_init(context.get(), store.get(), checked->get(), nullptr) == 1 &&
              X509_STORE_CTX_set_purpose(context.get(), purpose_of(use)) == 1,
          "checking a certificate");
  const bool accepted = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (accepted) return {};
  const int code = X509_STORE_CTX_get_error(context.get());
  const bool is_authority = X509_STORE_CTX_get_error_depth(context.get()) > 0;
  X509* culprit = is_authority ? authority->get() : checked->get();
  return make_error(Status::kDamaged,
                    (is_authority ? ca : certificate) + ": " + refusal_text(code, culprit) +
                        (code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ? ", not by " + ca : ""),
                    Cause::kCredentials);
}

}  // namespace skink::provisioning
