# Raspberry Pi Pico 2 and Pico 2 W: RP2350, Cortex-M33 with single-precision FPU, in the secure state that it starts in.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16")
