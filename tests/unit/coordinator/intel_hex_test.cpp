#include "skink/coordinator/provisioning/intel_hex.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <vector>

using namespace skink;
using provisioning::to_intel_hex;

namespace {

/// What a flashing tool makes of the text; checks every checksum.
std::map<std::uint32_t, std::uint8_t> flashed(const std::string& text) {
  std::map<std::uint32_t, std::uint8_t> memory;
  std::istringstream lines(text);
  std::string line;
  std::uint32_t upper = 0;
  bool is_ended = false;
  while (std::getline(lines, line)) {
    REQUIRE_FALSE(is_ended);
    REQUIRE((line.size() % 2 == 1 && line[0] == ':'));
    std::vector<std::uint8_t> bytes;
    std::uint8_t sum = 0;
    for (std::size_t i = 1; i < line.size(); i += 2) {
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
      sum = static_cast<std::uint8_t>(sum + bytes.back());
    }
    REQUIRE(sum == 0);
    REQUIRE(bytes.size() == std::size_t{bytes[0]} + 5);
    const std::uint32_t address = upper + (std::uint32_t{bytes[1]} << 8) + bytes[2];
    if (bytes[3] == 0) {
      REQUIRE((address & 0xffffU) + bytes[0] <= 0x10000U);  // a record may not wrap around
      for (std::uint32_t i = 0; i < bytes[0]; ++i) memory[address + i] = bytes[4 + i];
    }
    if (bytes[3] == 1) is_ended = true;
    if (bytes[3] == 4) upper = (std::uint32_t{bytes[4]} << 24) + (std::uint32_t{bytes[5]} << 16);
  }
  REQUIRE(is_ended);
  return memory;
}

}  // namespace

TEST_CASE("intel hex: a text by hand", "[coordinator][provisioning]") {
  const std::uint8_t bytes[] = {'S', 'K', 'I', 0};
  CHECK(to_intel_hex(bytes, 0x00070000) == ":020000040007F3\n:04000000534B490015\n:00000001FF\n");
  CHECK(to_intel_hex(bytes, 0) == ":04000000534B490015\n:00000001FF\n");
  CHECK(to_intel_hex({}, 0x08000000) == ":00000001FF\n");
}

TEST_CASE("intel hex: every byte arrives at its address", "[coordinator][provisioning]") {
  const std::uint32_t address = GENERATE(0U, 1U, 0x00070000U, 0x0000fff3U, 0x0801fff0U, 0xffffef9cU);
  std::vector<std::uint8_t> image(GENERATE(1U, 16U, 17U, 4096U));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  const auto memory = flashed(to_intel_hex({image.data(), image.size()}, address));
  REQUIRE(memory.size() == image.size());
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (memory.at(address + static_cast<std::uint32_t>(i)) != image[i]) FAIL("byte " << i);
  }
}
