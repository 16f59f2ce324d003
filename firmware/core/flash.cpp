#include "skink/firmware/flash.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kStepBytes = 32;

}  // namespace

Status Flash::program(uint32_t address, Bytes bytes) const noexcept {
  const Status status = program_function(context, address, bytes);
  return status == Status::kOk ? verify(address, bytes.data(), static_cast<uint32_t>(bytes.size())) : status;
}

Status Flash::erase(uint32_t sector) const noexcept {
  const Status status = erase_function(context, sector);
  return status == Status::kOk ? verify(sector * sector_bytes, nullptr, sector_bytes) : status;
}

Status Flash::verify(uint32_t address, const uint8_t* expected, uint32_t count) const noexcept {
  uint8_t there[kStepBytes];
  for (uint32_t done = 0; done < count;) {
    const uint32_t step = count - done < kStepBytes ? count - done : kStepBytes;
    const Status status = read(address + done, {there, step});
    if (status != Status::kOk) return status;
    for (uint32_t i = 0; i < step; ++i, ++done) {
      if (there[i] != (expected == nullptr ? 0xff : expected[done])) return Status::kUnavailable;
    }
  }
  return Status::kOk;
}

}  // namespace skink::firmware
