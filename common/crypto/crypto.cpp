#include "skink/common/crypto/crypto.hpp"

#include <string.h>

#include "skink/common/little_endian.hpp"

namespace skink::crypto {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool equal_in_constant_time(const uint8_t* a, const uint8_t* b, size_t count) noexcept {
  uint8_t difference = 0;
  for (size_t i = 0; i < count; ++i) difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

uint64_t prefix_of(const Digest& digest) noexcept { return load_u64(digest.bytes); }

bool operator==(const Digest& a, const Digest& b) noexcept {
  return equal_in_constant_time(a.bytes, b.bytes, kDigestBytes);
}

Digest sha256(Bytes bytes) noexcept {
  Sha256 hash;
  hash.add(bytes);
  return hash.finish();
}

Key device_key(const Key& master, Span<const char> fleet, Span<const char> device_id) noexcept {
  // RFC 5869 with one block of output: T(1) = HMAC(HMAC(salt, master), info || 0x01).
  Key salt;
  const uint8_t salt_text[] = {'s', 'k', 'i', 'n', 'k', '/', '1'};  // shorter than a block: zero padding is HMAC's own
  memcpy(salt.bytes, salt_text, sizeof salt_text);
  const Bytes extract_parts[] = {Bytes(master.bytes)};
  const Digest extracted = hmac_sha256(salt, extract_parts);
  Key pseudo_random;
  memcpy(pseudo_random.bytes, extracted.bytes, kKeyBytes);
  const uint8_t one[] = {1};
  const uint8_t slash[] = {'/'};
  const auto bytes_of = [](Span<const char> name) noexcept {
    return Bytes{reinterpret_cast<const uint8_t*>(name.data()), name.size()};
  };
  const Bytes expand_parts[] = {bytes_of(fleet), Bytes(slash), bytes_of(device_id), Bytes(one)};
  const Digest expanded = hmac_sha256(pseudo_random, expand_parts);
  Key result;
  memcpy(result.bytes, expanded.bytes, kKeyBytes);
  return result;
}

void to_hex(const Digest& digest, char (&text)[2 * kDigestBytes + 1]) noexcept {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < kDigestBytes; ++i) {
    text[2 * i] = kDigits[digest.bytes[i] >> 4];
    text[2 * i + 1] = kDigits[digest.bytes[i] & 15];
  }
  text[2 * kDigestBytes] = '\0';
}

bool from_hex(const char* text, size_t length, Digest& digest) noexcept {
  if (length != 2 * kDigestBytes) return false;
  Digest parsed;
  for (size_t i = 0; i < kDigestBytes; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    parsed.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  digest = parsed;
  return true;
}

}  // namespace skink::crypto
