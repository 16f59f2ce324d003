/* Reset of RV32: stack, cleared memory, the board, the image. */
  .section .text.start
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$ /* itself not relative to gp */
  .option pop
  la sp, skink_stack_end
  la a0, skink_bss_begin
  la a1, skink_bss_end
1:
  bgeu a0, a1, 2f
  sw zero, 0(a0)
  addi a0, a0, 4
  j 1b
2:
  call skink_start
