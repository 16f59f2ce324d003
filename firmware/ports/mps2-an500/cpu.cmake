# Arm MPS2 with FPGA image AN500: Cortex-M7 with double-precision FPU, as QEMU has it.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16")
