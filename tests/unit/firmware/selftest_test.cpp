#include "skink/firmware/selftest.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

namespace skink::firmware {
namespace {

TEST_CASE("self-test: this host computes the golden vectors", "[firmware][selftest][golden]") {
  std::vector<float> memory(selftest::kMemoryBytes / sizeof(float));
  const MutableBytes bytes{reinterpret_cast<std::uint8_t*>(memory.data()), selftest::kMemoryBytes};
  for (const selftest::Check& check : selftest::checks()) {
    CAPTURE(check.name);
    crypto::Digest found;
    CHECK(selftest::run(check, bytes, found));
    selftest::Check other = check;
    other.expected = "0000000000000000000000000000000000000000000000000000000000000000";
    CHECK_FALSE(selftest::run(other, bytes, found));
  }
  CHECK_FALSE(selftest::run(selftest::checks()[0], bytes.first(100), *std::make_unique<crypto::Digest>()));
}

}  // namespace
}  // namespace skink::firmware
