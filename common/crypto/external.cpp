/// @file
/// SHA-256, HMAC and ECDSA of the application (external_crypto.h).

#include "skink/common/crypto/external_crypto.h"

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

constexpr size_t kPointBytes = 65;  // 04, x, y

}  // namespace

Sha256::Sha256() noexcept { skink_external_sha256_begin(context_); }
Sha256::~Sha256() { skink_external_sha256_end(context_); }

void Sha256::add(Bytes bytes) noexcept { skink_external_sha256_add(context_, bytes.data(), bytes.size()); }

Digest Sha256::finish() noexcept {
  Digest digest;
  skink_external_sha256_finish(context_, digest.bytes);
  return digest;
}

Digest hmac_sha256(const Key& key, Span<const Bytes> parts) noexcept {
  alignas(8) uint8_t context[kContextBytes];
  skink_external_hmac_begin(context, key.bytes);
  for (const Bytes& part : parts) skink_external_hmac_add(context, part.data(), part.size());
  Digest tag;
  skink_external_hmac_finish(context, tag.bytes);
  return tag;
}

Status verify_signature(Bytes message, Bytes signature, Bytes public_key) noexcept {
  if (signature.size() != kSignatureBytes || public_key.size() != kPointBytes || public_key[0] != 0x04) {
    return Status::kInvalidArgument;
  }
  const Digest digest = sha256(message);
  switch (skink_external_verify_p256(digest.bytes, signature.data(), public_key.data())) {
    case SKINK_EXTERNAL_GOOD: return Status::kOk;
    case SKINK_EXTERNAL_WRONG: return Status::kWrongAuthentication;
    case SKINK_EXTERNAL_BAD_KEY: return Status::kInvalidArgument;
    case SKINK_EXTERNAL_OUT_OF_MEMORY: break;
  }
  return Status::kBufferTooSmall;
}

}  // namespace skink::crypto
