/// @file
/// ECDSA by mbedTLS.

#include <mbedtls/ecdsa.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/crypto/mbedtls_version.h"

namespace skink::crypto {
namespace {

constexpr size_t kPointBytes = 65;  // 04, x, y

/// mbedTLS's objects, freed on every way out.
struct Curve {
  mbedtls_ecp_group group;
  mbedtls_ecp_point key;
  mbedtls_mpi r;
  mbedtls_mpi s;

  Curve() noexcept {
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&key);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
  }
  ~Curve() {
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&key);
    mbedtls_ecp_group_free(&group);
  }
  Curve(const Curve&) = delete;
  Curve& operator=(const Curve&) = delete;
};

/// Whether a failure of mbedTLS says nothing of what was asked.
bool is_short_of_memory(int failure) noexcept { return skink_mbedtls_is_out_of_memory(failure) != 0; }

}  // namespace

Status verify_signature(Bytes message, Bytes signature, Bytes public_key) noexcept {
  const bool is_sized = signature.size() == kSignatureBytes && public_key.size() == kPointBytes;
  if (!is_sized || public_key[0] != 0x04) return Status::kInvalidArgument;  // 3.6 reads compressed points too
  Curve curve;
  int unusable = mbedtls_ecp_group_load(&curve.group, MBEDTLS_ECP_DP_SECP256R1);
  if (unusable == 0) {
    unusable = mbedtls_ecp_point_read_binary(&curve.group, &curve.key, public_key.data(), public_key.size());
  }
  if (unusable == 0) unusable = mbedtls_ecp_check_pubkey(&curve.group, &curve.key);
  if (unusable != 0) return is_short_of_memory(unusable) ? Status::kBufferTooSmall : Status::kInvalidArgument;
  const Digest digest = sha256(message);
  constexpr size_t kHalf = kSignatureBytes / 2;
  int failure = mbedtls_mpi_read_binary(&curve.r, signature.data(), kHalf);
  if (failure == 0) failure = mbedtls_mpi_read_binary(&curve.s, signature.data() + kHalf, kHalf);
  if (failure == 0) {
    failure = mbedtls_ecdsa_verify(&curve.group, digest.bytes, kDigestBytes, &curve.key, &curve.r, &curve.s);
  }
  if (failure == 0) return Status::kOk;
  return is_short_of_memory(failure) ? Status::kBufferTooSmall : Status::kWrongAuthentication;
}

}  // namespace skink::crypto
