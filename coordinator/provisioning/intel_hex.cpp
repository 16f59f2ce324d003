#include "skink/coordinator/provisioning/intel_hex.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <vector>

namespace skink::provisioning {
namespace {

constexpr std::size_t kBytesPerLine = 16;
constexpr std::size_t kSegmentBytes = 0x10000;

enum class Record : std::uint8_t { kData = 0, kEnd = 1, kUpperAddress = 4 };

void add_record(std::string& text, Record kind, std::uint32_t address, Bytes data) {
  std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(data.size()), static_cast<std::uint8_t>(address >> 8),
                                     static_cast<std::uint8_t>(address), static_cast<std::uint8_t>(kind)};
  bytes.insert(bytes.end(), data.begin(), data.end());
  std::uint8_t sum = 0;
  text += ':';
  for (const std::uint8_t byte : bytes) {
    text += fmt::format("{:02X}", byte);
    sum = static_cast<std::uint8_t>(sum + byte);
  }
  text += fmt::format("{:02X}\n", static_cast<std::uint8_t>(-sum));
}

}  // namespace

std::string to_intel_hex(Bytes image, std::uint32_t address) {
  assert(image.size() <= 0x1'0000'0000ULL - address);
  std::string text;
  std::uint32_t segment = 0;  // what a file begins with
  for (std::size_t done = 0; done < image.size();) {
    const auto here = static_cast<std::uint32_t>(address + done);
    if (here >> 16 != segment) {
      segment = here >> 16;
      const std::uint8_t upper[] = {static_cast<std::uint8_t>(segment >> 8), static_cast<std::uint8_t>(segment)};
      add_record(text, Record::kUpperAddress, 0, upper);
    }
    const std::size_t left = std::min(image.size() - done, kSegmentBytes - (here & 0xffffU));
    const std::size_t count = std::min(left, kBytesPerLine);
    add_record(text, Record::kData, here, image.subspan(done, count));
    done += count;
  }
  add_record(text, Record::kEnd, 0, {});
  return text;
}

}  // namespace skink::provisioning
