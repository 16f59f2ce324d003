/// @file
/// A device's mbedTLS has a small heap: what it cannot do for want of memory says nothing of what was asked. Only where
/// the tests have an mbedTLS of their own, whose allocator can be replaced: preset host32, common_psa36_crypto_test.

#include <mbedtls/platform.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "skink/common/crypto/crypto.hpp"

using namespace skink;

namespace {

int allocations_left = 0;

void* limited_calloc(std::size_t count, std::size_t size) {
  if (allocations_left == 0) return nullptr;
  --allocations_left;
  return std::calloc(count, size);
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

}  // namespace

TEST_CASE("crypto: a signature is not called wrong when memory is short", "[common][crypto]") {
  // RFC 6979, A.2.5: P-256, SHA-256, the message "sample".
  const std::string key = from_hex(
      "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
      "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
  const std::string signature = from_hex(
      "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
      "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
  REQUIRE(crypto::verify_signature(bytes_of("sample"), bytes_of(signature), bytes_of(key)) == Status::kOk);
  REQUIRE(mbedtls_platform_set_calloc_free(limited_calloc, std::free) == 0);
  Status status = Status::kBufferTooSmall;
  int needed = 0;
  for (; status == Status::kBufferTooSmall && needed < 1'000'000; needed += 1 + needed / 8) {
    allocations_left = needed;
    status = crypto::verify_signature(bytes_of("sample"), bytes_of(signature), bytes_of(key));
  }
  CHECK(status == Status::kOk);
  CHECK(needed > 10);
  allocations_left = -1;
  CHECK(crypto::verify_signature(bytes_of("sampl"), bytes_of(signature), bytes_of(key)) ==
        Status::kWrongAuthentication);
  REQUIRE(mbedtls_platform_set_calloc_free(std::calloc, std::free) == 0);
}
