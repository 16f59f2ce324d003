/// @file
/// Random bits from a noise source that is read raw: many bits of it are condensed to each 32 bytes by SHA-256, and the
/// health tests of NIST SP 800-90B, section 4.4, look at all of them. Assumed is a quarter of a bit of entropy in each
/// raw bit; nobody measured that on a board. docs/pico.md says what this is good for.

#include "ports/rp2/rp2.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware {
namespace {

constexpr size_t kRawBytes = 256;      // 2048 bits for 256: twice what the assumption asks for
constexpr unsigned kLongestRun = 120;  // a quarter of a bit each: a longer one comes once in 2^30
constexpr unsigned kMostOfWindow = 940;
constexpr unsigned kWindowBits = 1024;

/// Repetition count and adaptive proportion: a source that stands still, or hangs on one value.
bool looks_sound(Bytes raw) noexcept {
  unsigned run = 0;
  unsigned last = 2;
  unsigned ones = 0;
  unsigned in_window = 0;
  for (const uint8_t byte : raw) {
    for (unsigned shift = 0; shift < 8; ++shift) {
      const unsigned bit = byte >> shift & 1U;
      run = bit == last ? run + 1 : 1;
      last = bit;
      if (run > kLongestRun) return false;
      ones += bit;
      if (++in_window < kWindowBits) continue;
      if (ones > kMostOfWindow || ones < kWindowBits - kMostOfWindow) return false;
      ones = 0;
      in_window = 0;
    }
  }
  return true;
}

}  // namespace

Status port::entropy(MutableBytes out) noexcept {
  static uint8_t raw[kRawBytes];
  for (size_t done = 0; done < out.size();) {
    if (rp2::raw_noise(MutableBytes(raw)) != Status::kOk || !looks_sound(Bytes(raw))) return Status::kUnavailable;
    const crypto::Digest digest = crypto::sha256(Bytes(raw));
    for (size_t i = 0; i < sizeof digest.bytes && done < out.size(); ++i) out[done++] = digest.bytes[i];
  }
  return Status::kOk;
}

}  // namespace skink::firmware
