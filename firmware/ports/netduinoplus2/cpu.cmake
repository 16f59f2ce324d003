# Netduino Plus 2: STM32F405, Cortex-M4 with single-precision FPU. QEMU has no network chip for it: self-test only.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16")
set(SKINK_NO_NETWORK ON)
