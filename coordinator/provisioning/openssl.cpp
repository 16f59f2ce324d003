#include "openssl.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstring>
#include <ctime>
#include <stdexcept>

namespace skink::provisioning {
namespace {

/// What `write`, one of OpenSSL's i2d functions, makes of an object.
template <class Write, class Object>
Der collect_der(Write write, Object* object) {
  const int size = write(object, nullptr);
  require(size > 0, "writing DER");
  Der der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  write(object, &end);
  return der;
}

}  // namespace

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL: ") + what + " failed: " + take_openssl_error());
}

Memory memory_with(const std::string& text) {
  Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  require(memory != nullptr, "reading PEM");
  return memory;
}

std::string take_openssl_error() {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown reason";
}

Result<Certificate> read_certificate(const std::string& path) {
  return read_pem<Certificate>(path, "certificate",
                               [](BIO* in) { return PEM_read_bio_X509(in, nullptr, nullptr, nullptr); });
}

Result<EvpKey> read_private_key(const std::string& path) {
  return read_pem<EvpKey>(path, "private key",
                          [](BIO* in) { return PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr); });
}

Result<EvpKey> read_public_key(const std::string& path) {
  return read_pem<EvpKey>(path, "public key",
                          [](BIO* in) { return PEM_read_bio_PUBKEY(in, nullptr, nullptr, nullptr); });
}

Certificate certificate_of(Bytes der) {
  const unsigned char* end = der.data();
  Certificate certificate(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  ERR_clear_error();
  return end == der.end() ? std::move(certificate) : nullptr;
}

EvpKey private_key_of(Bytes der) {
  const unsigned char* end = der.data();
  EvpKey key(d2i_AutoPrivateKey(nullptr, &end, static_cast<long>(der.size())));
  ERR_clear_error();
  return end == der.end() ? std::move(key) : nullptr;
}

std::string pem_of(X509* certificate) {
  return collect_pem([certificate](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string private_pem_of(EVP_PKEY* key) {
  return collect_pem(
      [key](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string public_pem_of(EVP_PKEY* key) {
  return collect_pem([key](BIO* out) { return PEM_write_bio_PUBKEY(out, key); });
}

Der der_of(X509* certificate) { return collect_der(&i2d_X509, certificate); }

Der private_der_of(EVP_PKEY* key) { return collect_der(&i2d_PrivateKey, key); }

EvpKey generate_p256_key() {
  EvpKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  require(key != nullptr, "making a P-256 key");
  return key;
}

Der p256_point_of(EVP_PKEY* key) {
  char curve[32] = {};
  std::size_t length = 0;
  Der point(65);
  const bool is_p256 =
      EVP_PKEY_get_group_name(key, curve, sizeof curve, &length) == 1 && std::strcmp(curve, SN_X9_62_prime256v1) == 0 &&
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &length) == 1 &&
      length == point.size() && point[0] == POINT_CONVERSION_UNCOMPRESSED;
  ERR_clear_error();
  return is_p256 ? point : Der();
}

namespace {

std::string subject_field(X509* certificate, int field) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int position = X509_NAME_get_index_by_NID(subject, field, -1);
  if (position < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

}  // namespace

std::string common_name_of(X509* certificate) { return subject_field(certificate, NID_commonName); }

std::string organization_of(X509* certificate) { return subject_field(certificate, NID_organizationName); }

std::string serial_text(const ASN1_INTEGER* serial) {
  const std::unique_ptr<BIGNUM, Freer<&BN_free>> number(ASN1_INTEGER_to_BN(serial, nullptr));
  require(number != nullptr, "reading a serial number");
  Der bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string date_text(const ASN1_TIME* time) {
  std::tm parts{};
  char text[16] = "?";
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

}  // namespace skink::provisioning
