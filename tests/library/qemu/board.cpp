/// @file
/// The least that an image needs in QEMU: vectors, memory, a console and an end by semihosting; and what it does: the
/// self-test, and a client that is asked whether it takes part. Arm; on RISC-V picolibc starts main().

#include <Skink.h>
#include <string.h>

#include "refusal.hpp"

namespace {

alignas(8) uint8_t memory[skink::firmware::selftest::kMemoryBytes];

// A function of its own, aligned so that the three instructions of RISC-V stand in one page.
__attribute__((noinline, aligned(32))) intptr_t semihosting(int operation, const void* argument) noexcept {
#if defined(__riscv)
  register intptr_t a0 asm("a0") = operation;
  register const void* a1 asm("a1") = argument;
  asm volatile(
      ".option push\n.option norvc\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
#else
  register intptr_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
#endif
}

void to_console(void* /*context*/, const char* text, size_t count) noexcept {
  for (; count > 0; --count) (void)semihosting(0x03, text++);
}

[[noreturn]] void end(int status) noexcept {
  const uintptr_t arguments[2] = {0x20026, static_cast<uintptr_t>(status)};
  for (;;) (void)semihosting(0x20, arguments);
}

}  // namespace

int main() {
  skink::firmware::set_log(to_console, nullptr);
  const bool is_right = skink::firmware::selftest::run_all(memory) == 0;
  const skink::test::Answer answer = skink::test::ask_client();
  const bool is_begun = answer.refusal == skink::wire::Refusal::kNone;
  skink::firmware::print("client: announces arithmetic {}, a task is {}", answer.announced,
                         is_begun ? "begun" : skink::wire::refusal_text(answer.refusal));
  end(is_right ? 0 : 1);
}

#if !defined(__riscv)
extern "C" {
extern uint8_t board_data_from[], board_data_begin[], board_data_end[], board_bss_begin[], board_bss_end[],
    board_stack[];
void board_reset();
void board_fault();

void board_reset() {
#if defined(__ARM_FP)
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFU << 20;  // the FPU is on
  asm volatile("dsb\nisb");
#endif
  memcpy(board_data_begin, board_data_from, static_cast<size_t>(board_data_end - board_data_begin));
  memset(board_bss_begin, 0, static_cast<size_t>(board_bss_end - board_bss_begin));
  main();
}

void board_fault() {
  constexpr char kText[] = "a fault of the processor\n";
  to_console(nullptr, kText, sizeof kText - 1);
  end(2);
}

extern void (*const board_vectors[])();
__attribute__((section(".vectors"), used)) void (*const board_vectors[16])() = {
    reinterpret_cast<void (*)()>(board_stack),
    board_reset,
    board_fault,
    board_fault,
    board_fault,
    board_fault,
    board_fault};
}
#endif
