#include "revocation_list.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>

namespace skink::provisioning {
namespace {

using Number = std::unique_ptr<ASN1_INTEGER, Freer<&ASN1_INTEGER_free>>;

Time now_and(int days, long seconds) {
  Time time(X509_time_adj_ex(nullptr, days, seconds, nullptr));
  require(time != nullptr, "dating a revocation list");
  return time;
}

void date(X509_CRL* list, X509* authority, std::uint32_t valid_days) {
  Time end = now_and(static_cast<int>(valid_days), 0);
  const ASN1_TIME* authority_end = X509_get0_notAfter(authority);
  const bool is_authority_end = valid_days == 0 || ASN1_TIME_compare(end.get(), authority_end) > 0;
  require(X509_CRL_set1_lastUpdate(list, now_and(0, kClockSlackSeconds).get()) == 1 &&
              X509_CRL_set1_nextUpdate(list, is_authority_end ? authority_end : end.get()) == 1,
          "dating a revocation list");
}

/// RFC 5280, 5.2.3: each list has a larger number than the one before.
long number_of(const X509_CRL* list) {
  const Number number(static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, nullptr, nullptr)));
  return number != nullptr ? ASN1_INTEGER_get(number.get()) : 0;
}

void add_extensions(X509_CRL* list, X509* authority, long number) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, authority, nullptr, nullptr, list, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<&X509_EXTENSION_free>> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, NID_authority_key_identifier, "keyid"));
  const Number encoded(ASN1_INTEGER_new());
  require(extension != nullptr && X509_CRL_add_ext(list, extension.get(), -1) == 1 && encoded != nullptr &&
              ASN1_INTEGER_set(encoded.get(), number) == 1 &&
              X509_CRL_add1_ext_i2d(list, NID_crl_number, encoded.get(), 0, 0) == 1,
          "extending a revocation list");
}

void add_entry(X509_CRL* list, X509_REVOKED* entry) {
  require(entry != nullptr && X509_CRL_add0_revoked(list, entry) == 1, "adding to a revocation list");
}

void copy_entries(X509_CRL* from, X509_CRL* to) {
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(from);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    add_entry(to, X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i)));
  }
}

X509_REVOKED* new_entry(X509* certificate) {
  X509_REVOKED* entry = X509_REVOKED_new();
  require(entry != nullptr && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) == 1 &&
              X509_REVOKED_set_revocationDate(entry, now_and(0, 0).get()) == 1,
          "revoking a certificate");
  return entry;
}

}  // namespace

namespace {

constexpr int kMostLists = 8;  // of a file: two authorities at a time, and who knows what else

RevocationList empty_list() {
  RevocationList empty(X509_CRL_new());
  require(empty != nullptr, "making a revocation list");
  return empty;
}

RevocationList read_one(BIO* in) { return RevocationList(PEM_read_bio_X509_CRL(in, nullptr, nullptr, nullptr)); }

Result<std::vector<RevocationList>> read_all(const std::string& path) {
  std::vector<RevocationList> lists;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return lists;
  auto first = read_pem<RevocationList>(path, "revocation list", [&lists](BIO* in) {
    RevocationList one = read_one(in);
    for (int i = 1; one != nullptr && i < kMostLists; ++i) {
      RevocationList another = read_one(in);
      const bool is_end = another == nullptr && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      if (is_end) break;
      if (another == nullptr) return static_cast<X509_CRL*>(nullptr);  // entries of it would be lost
      lists.push_back(std::move(another));
    }
    return one.release();
  });
  ERR_clear_error();  // the end of the file
  if (!first) return first.error();
  lists.insert(lists.begin(), std::move(*first));
  return lists;
}

}  // namespace

Result<std::vector<AuthorityList>> read_revocation_lists(const PkiFolder& folder) {
  auto authorities = Authority::open_all(folder);
  if (!authorities) return authorities.error();
  auto lists = read_all(folder.certificate_list());
  if (!lists) return lists.error();
  std::vector<AuthorityList> all;
  for (Authority& authority : *authorities) all.push_back({std::move(authority), empty_list()});
  for (RevocationList& list : *lists) {
    const auto owner = std::find_if(all.begin(), all.end(), [&list](const AuthorityList& one) {
      return X509_CRL_verify(list.get(), one.authority.key()) == 1;
    });
    ERR_clear_error();
    if (owner == all.end()) {
      return make_error(Status::kDamaged, folder.certificate_list() + ": not signed by the authority beside it");
    }
    if (count_of(list.get()) >= count_of(owner->list.get())) owner->list = std::move(list);
  }
  return all;
}

std::size_t count_of(X509_CRL* list) {
  const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list));  // -1: there never was an entry
  return static_cast<std::size_t>(std::max(count, 0));
}

bool is_on_list(X509_CRL* list, X509* certificate) {
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_serial(list, &entry, X509_get_serialNumber(certificate)) == 1;
}

RevocationList next_list(X509_CRL* list, const std::vector<X509*>& certificates, const Authority& authority,
                         std::uint32_t valid_days) {
  RevocationList next(X509_CRL_new());
  require(next != nullptr && X509_CRL_set_version(next.get(), X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(next.get(), X509_get_subject_name(authority.certificate())) == 1,
          "making a revocation list");
  date(next.get(), authority.certificate(), valid_days);
  copy_entries(list, next.get());
  for (X509* certificate : certificates) add_entry(next.get(), new_entry(certificate));
  X509_CRL_sort(next.get());
  add_extensions(next.get(), authority.certificate(), number_of(list) + 1);
  require(X509_CRL_sign(next.get(), authority.key(), EVP_sha256()) > 0, "signing a revocation list");
  return next;
}

std::string pem_of(X509_CRL* list) {
  return collect_pem([list](BIO* out) { return PEM_write_bio_X509_CRL(out, list); });
}

}  // namespace skink::provisioning
