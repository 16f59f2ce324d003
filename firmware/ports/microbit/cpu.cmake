# BBC micro:bit: nRF51822, Cortex-M0. Built for the M0+, whose instructions are the same (ARMv6-M). Self-test only.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m0plus -mthumb -mfloat-abi=soft")
set(SKINK_NO_NETWORK ON)
