/// @file
/// The RP2040 has no random number generator. Its ring oscillator runs beside the crystal that clocks everything else,
/// and one bit of its phase can be read (RP2040 Datasheet, 2.17.5).

#include <hardware/structs/clocks.h>
#include <hardware/structs/rosc.h>

#include "ports/rp2/rp2.hpp"

namespace skink::firmware::rp2 {
namespace {

constexpr uint32_t kApartUs = 4;  // some 25 of its periods: the jitter of all of them is in the next bit

}  // namespace

Status raw_noise(MutableBytes out) noexcept {
  const bool runs = (rosc_hw->status & ROSC_STATUS_ENABLED_BITS) != 0;
  const uint32_t source = clocks_hw->clk[clk_sys].ctrl & CLOCKS_CLK_SYS_CTRL_AUXSRC_BITS;
  const bool is_apart = source != CLOCKS_CLK_SYS_CTRL_AUXSRC_VALUE_ROSC_CLKSRC << CLOCKS_CLK_SYS_CTRL_AUXSRC_LSB &&
                        (clocks_hw->clk[clk_sys].ctrl & CLOCKS_CLK_SYS_CTRL_SRC_BITS) != 0;
  if (!runs || !is_apart) return Status::kUnavailable;
  for (uint8_t& byte : out) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      pause_us(kApartUs);
      byte = static_cast<uint8_t>(byte << 1 | (rosc_hw->randombit & 1U));
    }
  }
  return Status::kOk;
}

}  // namespace skink::firmware::rp2
