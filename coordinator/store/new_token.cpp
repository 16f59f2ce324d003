#include "skink/coordinator/store/new_token.hpp"

#include <random>

#include "skink/common/crypto/crypto.hpp"

namespace skink::coordinator {

std::string token_hash(std::string_view secret) {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()}), hex);
  return hex;
}

NewToken make_token(const std::string& name, const std::string& scope) {
  std::random_device random;  // the kernel's
  crypto::Digest bits;
  for (std::uint8_t& byte : bits.bytes) byte = static_cast<std::uint8_t>(random());
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(bits, hex);
  NewToken token;
  token.secret = std::string("skink_") + hex;
  token.row.name = name;
  token.row.scope = scope;
  token.row.sha256 = token_hash(token.secret);
  return token;
}

}  // namespace skink::coordinator
