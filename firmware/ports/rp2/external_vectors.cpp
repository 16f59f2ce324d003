/// @file
/// The external interrupts that have handlers; and what the RP2350's boot ROM looks for in the first 4 KB of an image.

#include <stdint.h>

#include "ports/rp2/rp2.hpp"

#if !PICO_RP2040
#include <boot/picobin.h>
#endif

extern "C" {

void Unexpected_Handler();
void Alarm_Handler();
__attribute__((weak)) void Pins_Handler() { Unexpected_Handler(); }

}  // extern "C"

namespace {

using namespace skink::firmware;

struct Table {
  void (*handlers[rp2::kInterrupts])();
#if !PICO_RP2040
  uint32_t image_definition[5];
#endif
};

constexpr Table table() noexcept {
  Table all{};
  for (auto& handler : all.handlers) handler = &Unexpected_Handler;
  all.handlers[rp2::kAlarmInterrupt] = &Alarm_Handler;
  all.handlers[rp2::kPinsInterrupt] = &Pins_Handler;
#if !PICO_RP2040
  constexpr uint32_t kType = PICOBIN_IMAGE_TYPE_IMAGE_TYPE_AS_BITS(EXE) | PICOBIN_IMAGE_TYPE_EXE_SECURITY_AS_BITS(S) |
                             PICOBIN_IMAGE_TYPE_EXE_CPU_AS_BITS(ARM) | PICOBIN_IMAGE_TYPE_EXE_CHIP_AS_BITS(RP2350);
  constexpr uint32_t kItemWords = 1;
  all.image_definition[0] = PICOBIN_BLOCK_MARKER_START;
  all.image_definition[1] = PICOBIN_BLOCK_ITEM_1BS_IMAGE_TYPE | kItemWords << 8 | kType << 16;
  all.image_definition[2] = PICOBIN_BLOCK_ITEM_2BS_LAST | kItemWords << 8;
  all.image_definition[3] = 0;  // where the next block is: the only one follows itself
  all.image_definition[4] = PICOBIN_BLOCK_MARKER_END;
#endif
  return all;
}

}  // namespace

extern "C" __attribute__((section(".vectors.external"), used)) const Table skink_external_vectors = table();
