#include "skink/edge/datagram/datagram_key.hpp"

namespace skink::edge::datagram {
namespace {

constexpr char kLabel[] = "skink/1/datagram";  // with its final 0

}  // namespace

crypto::Digest datagram_key(const crypto::Key& device_key, Span<const char> device_id) noexcept {
  const Bytes parts[] = {{reinterpret_cast<const uint8_t*>(kLabel), sizeof kLabel},
                         {reinterpret_cast<const uint8_t*>(device_id.data()), device_id.size()}};
  return crypto::hmac_sha256(device_key, parts);
}

}  // namespace skink::edge::datagram
