/// @file
/// SHA-256 by the PSA Crypto API. Here and in signature_psa.cpp stands only what version 1.0 of the API has, so that it
/// makes no difference whose it is.

#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

/// An implementation may copy what it hashes to its heap, whole (mbedTLS 3.6 without
/// MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS).
constexpr size_t kPieceBytes = 512;

psa_hash_operation_t& operation_of(uint8_t* storage) noexcept {
  return *reinterpret_cast<psa_hash_operation_t*>(storage);
}

/// A digest decides who is believed, and there is no status for one that was not computed: a guess would be worse than
/// the end. In software nothing can fail once psa_crypto_init() has been called.
void require(psa_status_t status) noexcept {
  if (status != PSA_SUCCESS) abort();
}

}  // namespace

Sha256::Sha256() noexcept {
  static_assert(sizeof(psa_hash_operation_t) <= sizeof context_, "raise SKINK_CRYPTO_CONTEXT_BYTES, for all sources");
  static_assert(alignof(psa_hash_operation_t) <= 8, "raise the alignment of Sha256::context_");
  memset(context_, 0, sizeof context_);  // which the API has as a way to initialize
  require(psa_hash_setup(&operation_of(context_), PSA_ALG_SHA_256));
}
Sha256::~Sha256() { (void)psa_hash_abort(&operation_of(context_)); }

void Sha256::add(Bytes bytes) noexcept {
  while (!bytes.empty()) {
    const size_t count = bytes.size() < kPieceBytes ? bytes.size() : kPieceBytes;
    require(psa_hash_update(&operation_of(context_), bytes.data(), count));
    bytes = bytes.subspan(count);
  }
}

Digest Sha256::finish() noexcept {
  Digest digest;
  size_t count = 0;
  require(psa_hash_finish(&operation_of(context_), digest.bytes, kDigestBytes, &count));
  return digest;
}

}  // namespace skink::crypto
