# Stellaris LM3S6965: Cortex-M3, no FPU.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m3 -mthumb -mfloat-abi=soft")
