#include "skink/firmware/entropy.hpp"

#include "skink/firmware/port.hpp"

namespace skink::firmware {
namespace {

constexpr size_t kCheckedBytes = 8;

bool stands_still(MutableBytes bytes) noexcept {
  if (bytes.size() < kCheckedBytes) return false;
  for (const uint8_t byte : bytes) {
    if (byte != bytes[0]) return false;
  }
  return true;
}

}  // namespace

Status draw_entropy(MutableBytes out) noexcept {
  for (int attempt = 0; attempt < kEntropyAttempts; ++attempt) {
    if (port::entropy(out) == Status::kOk && !stands_still(out)) return Status::kOk;
  }
  return Status::kUnavailable;
}

}  // namespace skink::firmware
