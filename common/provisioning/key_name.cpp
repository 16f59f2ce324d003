#include "skink/common/provisioning/key_name.hpp"

#include <string.h>

namespace skink::provisioning {
namespace {

constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kUtf8String = 0x0c;
constexpr size_t kHeaderBytes = 4;  // two tags and two lengths, each of one byte
static_assert(kMaxKeyNameBytes + kHeaderBytes == kMaxNamedKeyBytes && kMaxKeyNameBytes + 2 < 0x80, "short lengths");

bool is_name(Span<const char> name) noexcept {
  if (name.empty() || name.size() > kMaxKeyNameBytes) return false;
  for (const char c : name) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace

Span<const char> key_name(Bytes private_key) noexcept {
  if (private_key.size() <= kHeaderBytes || private_key.size() > kMaxNamedKeyBytes) return {};
  const size_t count = private_key.size() - kHeaderBytes;
  const bool is_named = private_key[0] == kSequence && private_key[1] == count + 2 && private_key[2] == kUtf8String &&
                        private_key[3] == count;
  const Span<const char> name(reinterpret_cast<const char*>(private_key.data() + kHeaderBytes), count);
  return is_named && is_name(name) ? name : Span<const char>();
}

size_t write_key_name(Span<const char> name, MutableBytes out) noexcept {
  if (!is_name(name) || out.size() < name.size() + kHeaderBytes) return 0;
  out[0] = kSequence;
  out[1] = static_cast<uint8_t>(name.size() + 2);
  out[2] = kUtf8String;
  out[3] = static_cast<uint8_t>(name.size());
  memcpy(out.data() + kHeaderBytes, name.data(), name.size());
  return name.size() + kHeaderBytes;
}

}  // namespace skink::provisioning
