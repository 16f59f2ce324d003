/// @file
/// The RP2350's random number generator (RP2350 Datasheet, 12.12), 192 bits at a time. Its own decorrelator and tests
/// are passed by, as in Raspberry Pi's SDK: noise_entropy.cpp tests and condenses.

#include <hardware/structs/trng.h>

#include "ports/rp2/rp2.hpp"
#include "skink/firmware/wait.hpp"

namespace skink::firmware::rp2 {
namespace {

constexpr uint32_t kPolls = 100'000;    // 192 samples take some 200 cycles of the generator each
constexpr uint32_t kSampleCycles = 50;  // between two samples

}  // namespace

Status raw_noise(MutableBytes out) noexcept {
  trng_hw->sample_cnt1 = kSampleCycles;
  trng_hw->trng_debug_control = ~0U;
  trng_hw->rnd_source_enable = 1;
  for (size_t done = 0; done < out.size();) {
    trng_hw->rng_icr = ~0U;
    if (!wait_until(kPolls, [] { return trng_hw->trng_busy == 0; })) return Status::kUnavailable;
    for (size_t word = 0; word < 6; ++word) {  // after the last one is read the next 192 are gathered
      const uint32_t value = trng_hw->ehr_data[word];
      for (unsigned shift = 0; shift < 32 && done < out.size(); shift += 8)
        out[done++] = static_cast<uint8_t>(value >> shift);
    }
  }
  trng_hw->rnd_source_enable = 0;
  return Status::kOk;
}

}  // namespace skink::firmware::rp2
