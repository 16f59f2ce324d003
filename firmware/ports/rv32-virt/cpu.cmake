# QEMU's RISC-V virt machine: RV32IMAC, no FPU, self-test only. "_zicsr" in -march would silently choose the 64-bit
# libraries.
set(SKINK_TOOL_PREFIX riscv64-unknown-elf-)
set(SKINK_CPU_FLAGS "-march=rv32imac -mabi=ilp32 -mcmodel=medany --specs=picolibc.specs")
set(SKINK_NO_NETWORK ON)
