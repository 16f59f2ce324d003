#include <mbedtls/x509_crt.h>

#include "skink/firmware/tls/mbedtls_keys.hpp"

namespace skink::firmware {
namespace {

constexpr size_t kMostCertificates = 4;

// ---- what differs between mbedTLS 2.28 and 3.x: the overload that the function's type fits is taken

[[maybe_unused]] int parse_key(int (*parse)(mbedtls_pk_context*, const unsigned char*, size_t, const unsigned char*,
                                            size_t),
                               mbedtls_pk_context& key, Bytes der, const MbedtlsRandom& /*random*/) noexcept {
  return parse(&key, der.data(), der.size(), nullptr, 0);
}

[[maybe_unused]] int parse_key(int (*parse)(mbedtls_pk_context*, const unsigned char*, size_t, const unsigned char*,
                                            size_t, int (*)(void*, unsigned char*, size_t), void*),
                               mbedtls_pk_context& key, Bytes der, const MbedtlsRandom& random) noexcept {
  return parse(&key, der.data(), der.size(), nullptr, 0, random.draw, random.context);
}

/// The length of the DER SEQUENCE that `bytes` begin with; 0: they begin with none of at most 65535 bytes.
size_t sequence_bytes(Bytes bytes) noexcept {
  if (bytes.size() < 4 || bytes[0] != 0x30) return 0;
  size_t total = 0;
  if (bytes[1] < 0x80) {
    total = size_t{2} + bytes[1];
  } else if (bytes[1] == 0x81) {
    total = size_t{3} + bytes[2];
  } else if (bytes[1] == 0x82) {
    total = size_t{4} + (size_t{bytes[2]} << 8 | bytes[3]);
  }
  return total <= bytes.size() ? total : 0;
}

}  // namespace

int parse_private_key(mbedtls_pk_context& key, Bytes der, const MbedtlsRandom& random) noexcept {
  return parse_key(&mbedtls_pk_parse_key, key, der, random);
}

int parse_certificates(mbedtls_x509_crt& chain, Bytes ders) noexcept {
  if (ders.empty()) return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
  for (size_t i = 0; i < kMostCertificates && !ders.empty(); ++i) {
    const size_t bytes = sequence_bytes(ders);
    if (bytes == 0) return MBEDTLS_ERR_X509_INVALID_FORMAT;
    const int result = mbedtls_x509_crt_parse_der_nocopy(&chain, ders.data(), bytes);
    if (result != 0) return result;
    ders = ders.subspan(bytes);
  }
  return ders.empty() ? 0 : MBEDTLS_ERR_X509_INVALID_FORMAT;
}

}  // namespace skink::firmware
