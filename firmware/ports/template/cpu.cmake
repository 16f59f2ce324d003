# TODO: the processor. Every flag that changes code must be here: it reaches all libraries.
set(SKINK_TOOL_PREFIX arm-none-eabi-)
set(SKINK_CPU_FLAGS "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16")
