/// @file
/// Skink's own SHA-256, beside OpenSSL's.

#include <openssl/sha.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "skink/common/crypto/crypto.hpp"

using namespace skink;

namespace {

crypto::Digest openssl(const std::vector<std::uint8_t>& bytes) {
  crypto::Digest digest;
  SHA256(bytes.data(), bytes.size(), digest.bytes);
  return digest;
}

std::vector<std::uint8_t> sequence(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

}  // namespace

TEST_CASE("portable sha256: every length around the edges of its blocks", "[common][crypto]") {
  for (std::size_t count = 0; count <= 260; ++count) {
    const auto bytes = sequence(count);
    CAPTURE(count);
    REQUIRE(crypto::sha256({bytes.data(), bytes.size()}) == openssl(bytes));
  }
}

TEST_CASE("portable sha256: in pieces of any size it is the same", "[common][crypto]") {
  const auto bytes = sequence(10000);
  const auto piece = GENERATE(std::size_t{1}, 3, 63, 64, 65, 127, 4096, 9999);
  crypto::Sha256 hash;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    hash.add({bytes.data() + at, std::min(piece, bytes.size() - at)});
    hash.add({});
  }
  CHECK(hash.finish() == openssl(bytes));
}

TEST_CASE("without ECDSA no signature is taken", "[common][crypto]") {
  const auto key = sequence(65);
  CHECK(crypto::verify_signature({key.data(), 10}, {key.data(), 64}, {key.data(), 65}) == Status::kUnsupported);
}
