/// @file
/// SHA-256 of mbedTLS.

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/crypto/mbedtls_version.h"

namespace skink::crypto {
namespace {

mbedtls_sha256_context* context_of(uint8_t* storage) noexcept {
  return reinterpret_cast<mbedtls_sha256_context*>(storage);
}

}  // namespace

Sha256::Sha256() noexcept {
  static_assert(sizeof(mbedtls_sha256_context) <= sizeof context_, "raise the size of Sha256::context_");
  mbedtls_sha256_init(context_of(context_));
  (void)skink_mbedtls_sha256_starts(context_of(context_));  // fails for hardware back ends only
}
Sha256::~Sha256() { mbedtls_sha256_free(context_of(context_)); }

void Sha256::add(Bytes bytes) noexcept {
  (void)skink_mbedtls_sha256_update(context_of(context_), bytes.data(), bytes.size());
}

Digest Sha256::finish() noexcept {
  Digest digest;
  (void)skink_mbedtls_sha256_finish(context_of(context_), digest.bytes);
  return digest;
}

}  // namespace skink::crypto
