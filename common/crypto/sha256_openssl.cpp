/// @file
/// SHA-256 on a host, with the processor's instructions for it where there are any. A simulated device hashes some 14
/// KB a round.

// The functions that replace these look the algorithm up for every message.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(readability-identifier-naming): OpenSSL's
#include <openssl/sha.h>

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

SHA256_CTX* context_of(uint8_t* storage) noexcept { return reinterpret_cast<SHA256_CTX*>(storage); }

}  // namespace

Sha256::Sha256() noexcept {
  static_assert(sizeof(SHA256_CTX) <= sizeof context_, "raise the size of Sha256::context_");
  (void)SHA256_Init(context_of(context_));  // cannot fail, nor can the others
}
Sha256::~Sha256() = default;

void Sha256::add(Bytes bytes) noexcept { (void)SHA256_Update(context_of(context_), bytes.data(), bytes.size()); }

Digest Sha256::finish() noexcept {
  Digest digest;
  (void)SHA256_Final(digest.bytes, context_of(context_));
  return digest;
}

}  // namespace skink::crypto
