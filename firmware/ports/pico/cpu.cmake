# Raspberry Pi Pico and Pico W: RP2040, Cortex-M0+ without FPU.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m0plus -mthumb -mfloat-abi=soft")
