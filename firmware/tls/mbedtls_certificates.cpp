#include <mbedtls/x509_crt.h>

#include "skink/common/crypto/mbedtls_version.h"
#include "skink/firmware/tls/mbedtls_keys.hpp"

namespace skink::firmware {
namespace {

constexpr size_t kMostCertificates = 4;

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
  return skink_mbedtls_parse_key(&key, der.data(), der.size(), random.draw, random.context);
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
