/// @file
/// The least that an image needs in QEMU: vectors, memory, a console and an end by semihosting; and what it does: the
/// self-test, and a client that is asked whether it takes part. Arm and Xtensa; on RISC-V picolibc starts main().

#include <Skink.h>
#include <string.h>

#include "refusal.hpp"

namespace {

alignas(8) uint8_t memory[skink::firmware::selftest::kMemoryBytes];

#if defined(__XTENSA__)
enum class Call : int { kExit = 1, kWrite = 4 };

// Of the simulator; a2 says what, and has the result.
__attribute__((noinline)) int simcall(Call call, intptr_t first, const void* second, size_t third) noexcept {
  register intptr_t a2 asm("a2") = static_cast<intptr_t>(call);
  register intptr_t a3 asm("a3") = first;
  register const void* a4 asm("a4") = second;
  register size_t a5 asm("a5") = third;
  asm volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
  return a2;
}

void to_console(void* /*context*/, const char* text, size_t count) noexcept {
  (void)simcall(Call::kWrite, 1, text, count);
}

[[noreturn]] void end(int status) noexcept {
  for (;;) (void)simcall(Call::kExit, status, nullptr, 0);
}
#else
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
#endif

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

#if defined(__XTENSA__)
// The emulator has loaded all of the image. Where a processor of this kind begins, and where it goes with an exception.
asm(R"(
  .section .vectors.reset, "ax"
  .global board_reset
board_reset:
  j 1f
  .align 4
  .literal_position
1:
  movi a1, board_stack
  call0 main
  .section .vectors.fault, "ax"
  .rept 8
  movi a2, 1
  movi a3, 2
  simcall
  .align 16
  .endr
)");
#elif !defined(__riscv)
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
