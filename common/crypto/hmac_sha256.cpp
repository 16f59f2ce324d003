/// @file
/// HMAC over whatever SHA-256 there is: it needs neither memory nor a store for keys, and so cannot fail.

#include <string.h>

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {
namespace {

constexpr size_t kBlockBytes = 64;

}  // namespace

Digest hmac_sha256(const Key& key, Span<const Bytes> parts) noexcept {
  uint8_t pad[kBlockBytes] = {};
  memcpy(pad, key.bytes, kKeyBytes);
  for (uint8_t& byte : pad) byte = static_cast<uint8_t>(byte ^ 0x36U);
  Sha256 inner;
  inner.add(pad);
  for (const Bytes& part : parts) inner.add(part);
  const Digest inner_digest = inner.finish();
  for (uint8_t& byte : pad) byte = static_cast<uint8_t>(byte ^ 0x36U ^ 0x5cU);
  Sha256 outer;
  outer.add(pad);
  outer.add(inner_digest.bytes);
  return outer.finish();
}

}  // namespace skink::crypto
