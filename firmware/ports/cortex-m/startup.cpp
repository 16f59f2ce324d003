/// @file
/// Reset, vectors and faults of any Cortex-M. Boards provide SysTick_Handler and the memory map (memory.ld).

#include <stdint.h>

#include "cortex_m.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/port.hpp"

extern "C" {

extern uint32_t skink_data_load;
extern uint32_t skink_data_begin;
extern uint32_t skink_data_end;
extern uint32_t skink_bss_begin;
extern uint32_t skink_bss_end;
extern uint32_t skink_stack_begin;
extern uint32_t skink_stack_end;
extern uint32_t skink_arena_begin;
extern uint32_t skink_arena_end;
extern void (*skink_init_begin[])();
extern void (*skink_init_end[])();

void Reset_Handler();
void SysTick_Handler();
void skink_fault(const uint32_t* frame);

}  // extern "C"

namespace {

constexpr uint32_t kPaint = 0x5ca1ab1e;

[[maybe_unused]] volatile uint32_t& system_control(uintptr_t offset) noexcept {
  return *reinterpret_cast<volatile uint32_t*>(0xE000ED00 + offset);
}

/// Marks the unused stack, so that its high-water mark can be read.
__attribute__((noinline)) void paint_stack() noexcept {
  uint32_t* top = nullptr;
  asm volatile("mov %0, sp" : "=r"(top));
  for (uint32_t* at = &skink_stack_begin; at < top - 16; ++at) *at = kPaint;
}

}  // namespace

extern "C" {

/// In the instructions of ARMv6-M, which every Cortex-M has. There is one stack, the main one.
__attribute__((naked)) void Fault_Handler() { asm volatile("mrs r0, msp\n ldr r1, =skink_fault\n bx r1\n .ltorg\n"); }

/// Says where it happened and starts again; a device in the field has nobody to press the button.
__attribute__((used)) void skink_fault(const uint32_t* frame) {
  using skink::firmware::Value;
#if __ARM_ARCH_ISA_THUMB == 1  // ARMv6-M has no registers that say more
  skink::firmware::print("fault: pc {} lr {}", Value::hex(frame[6], 8), Value::hex(frame[5], 8));
#else
  skink::firmware::print("fault: pc {} lr {} cfsr {} hfsr {} bfar {}", Value::hex(frame[6], 8), Value::hex(frame[5], 8),
                         Value::hex(system_control(0x28), 8), Value::hex(system_control(0x2C), 8),
                         Value::hex(system_control(0x38), 8));
#endif
  skink::firmware::port::restart(skink::firmware::ResetReason::kFault);
}

/// A board whose watchdog warns by NMI, or whose NMI means something else, brings its own.
__attribute__((weak)) void NMI_Handler() { skink::firmware::port::restart(skink::firmware::ResetReason::kFault); }

void Unexpected_Handler() { skink::firmware::port::restart(skink::firmware::ResetReason::kFault); }

__attribute__((used, noreturn)) void Reset_Handler() {
#if defined(__ARM_FP)
  system_control(0x88) = system_control(0x88) | (0xFU << 20);  // first of all: the compiler may copy with FPU registers
  asm volatile("dsb\n isb\n");
#endif
  const uint32_t* from = &skink_data_load;
  for (uint32_t* to = &skink_data_begin; to < &skink_data_end;) *to++ = *from++;
  for (uint32_t* to = &skink_bss_begin; to < &skink_bss_end;) *to++ = 0;
  skink::firmware::port::feed_watchdog();  // before anything that can hang
  skink::firmware::cortex_m::note_reset();
  paint_stack();
  for (uint32_t* to = &skink_arena_begin; to < &skink_arena_end;) *to++ = kPaint;
  for (auto function = skink_init_begin; function < skink_init_end; ++function) (*function)();
  skink::firmware::port::initialize();
  skink_app();
  skink::firmware::port::restart(skink::firmware::ResetReason::kSoftware);
}

using Handler = void (*)();

/// What follows in the table, the external interrupts, is the board's: an array of handlers in .vectors.external.
struct Vectors {
  const uint32_t* stack;
  Handler handlers[15];
};

__attribute__((section(".vectors"), used)) const Vectors skink_vectors = {
    &skink_stack_end,
    {
        Reset_Handler,
        NMI_Handler,
        Fault_Handler,  // HardFault
        Fault_Handler,  // MemManage
        Fault_Handler,  // BusFault
        Fault_Handler,  // UsageFault
        nullptr,
        nullptr,
        nullptr,
        nullptr,
        Unexpected_Handler,  // SVCall
        Unexpected_Handler,  // DebugMonitor
        nullptr,
        Unexpected_Handler,  // PendSV
        SysTick_Handler,
    },
};

/// newlib's assert ends here.
__attribute__((used, noreturn)) void _exit(int /*status*/) {
  skink::firmware::port::restart(skink::firmware::ResetReason::kFault);
}

/// newlib's own asks for signals, and these for a heap.
__attribute__((noreturn)) void abort() { _exit(1); }

}  // extern "C"

namespace skink::firmware {

size_t stack_bytes() noexcept { return static_cast<size_t>(&skink_stack_end - &skink_stack_begin) * sizeof(uint32_t); }

size_t stack_bytes_used() noexcept {
  const uint32_t* at = &skink_stack_begin;
  while (at < &skink_stack_end && *at == kPaint) ++at;
  return static_cast<size_t>(&skink_stack_end - at) * sizeof(uint32_t);
}

MutableBytes arena() noexcept {
  auto* begin = reinterpret_cast<uint8_t*>(&skink_arena_begin);
  return {begin, static_cast<size_t>(reinterpret_cast<uint8_t*>(&skink_arena_end) - begin)};
}

size_t arena_bytes_touched() noexcept {
  const uint32_t* end = &skink_arena_end;
  while (end > &skink_arena_begin && end[-1] == kPaint) --end;
  return static_cast<size_t>(end - &skink_arena_begin) * sizeof(uint32_t);
}

}  // namespace skink::firmware
