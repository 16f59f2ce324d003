/// @file
/// CMSDK timer 0: 32 bits at 25 MHz. Under -icount shift=6 an instruction takes 64 ns, so 8 ticks are 5 instructions.

#include "skink/firmware/stopwatch.hpp"

#include "ports/cortex-m/cortex_m.hpp"

namespace skink::firmware::stopwatch {
namespace {

constexpr uintptr_t kTimer = 0x40000000;
constexpr uintptr_t kSysTickControl = 0xE000E010;

uint32_t overhead = 0;

uint32_t scaled(uint32_t ticks) noexcept { return static_cast<uint32_t>((uint64_t{ticks} * 5 + 4) / 8); }

}  // namespace

void start() noexcept {
  cortex_m::reg(kSysTickControl) = 0;
  cortex_m::reg(kTimer + 0x08) = 0xffffffff;  // reload
  cortex_m::reg(kTimer + 0x04) = 0xffffffff;
  cortex_m::reg(kTimer + 0x00) = 1;
  const uint32_t begin = ticks();
  overhead = scaled(ticks() - begin);
}

uint32_t ticks() noexcept { return ~cortex_m::load(kTimer + 0x04); }

uint32_t instructions(uint32_t begin, uint32_t end) noexcept { return scaled(end - begin) - overhead; }

}  // namespace skink::firmware::stopwatch
