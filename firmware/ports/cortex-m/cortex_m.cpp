#include "cortex_m.hpp"

namespace skink::firmware::cortex_m {
namespace {

constexpr uintptr_t kSysTickControl = 0xE000E010;
constexpr uintptr_t kSysTickReload = 0xE000E014;
constexpr uintptr_t kSysTickValue = 0xE000E018;
constexpr uintptr_t kInterruptEnable = 0xE000E100;
constexpr uintptr_t kInterruptDisable = 0xE000E180;
constexpr uintptr_t kResetControl = 0xE000ED0C;
constexpr uint32_t kResetRequest = 0x05FA0004;
constexpr uint32_t kNoted = 0x52455300;  ///< high bytes of a valid note

volatile uint64_t ticks_ms = 0;
uint32_t tick_step_ms = 1;
volatile bool is_turn_due = false;
__attribute__((section(".noinit"))) volatile uint32_t reset_note;
ResetReason noted = ResetReason::kUnknown;

}  // namespace

void start_tick(uint32_t hertz, uint32_t milliseconds) noexcept {
  tick_step_ms = milliseconds;
  reg(kSysTickReload) = hertz / 1000 * milliseconds - 1;
  reg(kSysTickValue) = 0;
  reg(kSysTickControl) = 7;  // core clock, interrupt, on
}

uint64_t tick_ms() noexcept {
  uint64_t first = ticks_ms;  // two words: read again when an interrupt came between, which none does twice in a row
  const uint64_t again = ticks_ms;
  if (again != first) first = ticks_ms;
  return first;
}

void enable_interrupt(uint32_t number) noexcept { reg(kInterruptEnable + number / 32 * 4) = 1U << (number % 32); }

void disable_interrupt(uint32_t number) noexcept { reg(kInterruptDisable + number / 32 * 4) = 1U << (number % 32); }

void request_turn() noexcept { is_turn_due = true; }

/// With interrupts masked, one that comes between the look and the sleep ends the sleep all the same. What its handler
/// asks for is done by the turn that follows, and ends no other sleep.
void wait() noexcept {
  asm volatile("cpsid i" ::: "memory");
  if (!is_turn_due) asm volatile("dsb\n wfi" ::: "memory");
  asm volatile("cpsie i\n isb" ::: "memory");
  is_turn_due = false;
}

void note_reset() noexcept {
  const uint32_t note = reset_note;
  reset_note = kNoted | static_cast<uint32_t>(ResetReason::kWatchdog);
  noted = (note & 0xffffff00U) == kNoted ? static_cast<ResetReason>(note & 0xffU) : ResetReason::kPowerOn;
}

ResetReason noted_reset_reason() noexcept { return noted; }

void note_next_reset(ResetReason reason) noexcept { reset_note = kNoted | static_cast<uint32_t>(reason); }

void reset(ResetReason reason) noexcept {
  note_next_reset(reason);
  asm volatile("dsb" ::: "memory");
  reg(kResetControl) = kResetRequest;
  for (;;) wait();
}

}  // namespace skink::firmware::cortex_m

extern "C" void SysTick_Handler();
extern "C" void SysTick_Handler() {
  using skink::firmware::cortex_m::tick_step_ms;
  skink::firmware::cortex_m::ticks_ms = skink::firmware::cortex_m::ticks_ms + tick_step_ms;
}
