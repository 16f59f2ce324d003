/// @file
/// ECDSA by the PSA Crypto API.

#include <psa/crypto.h>

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

constexpr size_t kCurveBits = 256;
constexpr size_t kPointBytes = 65;  // 04, x, y

Status status_of(psa_status_t failure, Status refusal) noexcept {
  switch (failure) {
    case PSA_ERROR_INSUFFICIENT_MEMORY: return Status::kBufferTooSmall;
    case PSA_ERROR_INVALID_ARGUMENT:
    case PSA_ERROR_INVALID_SIGNATURE: return refusal;
    default: return Status::kUnavailable;
  }
}

}  // namespace

Status verify_signature(Bytes message, Bytes signature, Bytes public_key) noexcept {
  const bool is_sized = signature.size() == kSignatureBytes && public_key.size() == kPointBytes;
  if (!is_sized || public_key[0] != 0x04) return Status::kInvalidArgument;
  psa_status_t status = psa_crypto_init();  // does nothing the second time
  if (status != PSA_SUCCESS) return status_of(status, Status::kUnavailable);
  constexpr psa_algorithm_t kAlgorithm = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
  psa_set_key_bits(&attributes, kCurveBits);
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
  psa_set_key_algorithm(&attributes, kAlgorithm);
  psa_key_id_t key = PSA_KEY_ID_NULL;
  status = psa_import_key(&attributes, public_key.data(), public_key.size(), &key);
  if (status != PSA_SUCCESS) return status_of(status, Status::kInvalidArgument);
  const Digest digest = sha256(message);
  status = psa_verify_hash(key, kAlgorithm, digest.bytes, kDigestBytes, signature.data(), signature.size());
  (void)psa_destroy_key(key);
  return status == PSA_SUCCESS ? Status::kOk : status_of(status, Status::kWrongAuthentication);
}

}  // namespace skink::crypto
