# skink_add_rp2_port(<chip> <SDK's board>)  -> the port of a Raspberry Pi Pico: rp2040 pico_w, rp2350 pico2_w. Its folder has memory.ld.
#
# Of Raspberry Pi's SDK: registers, clocks, pins, watchdog, and writing flash. Not its start-up, and not its floating
# point: the RP2040's ROM flushes denormal numbers to zero, and the RP2350's coprocessor for doubles is not asked. What
# computes here is libgcc, and the Cortex-M33's own FPU (docs/arithmetic.md, section 1).

set(skink_pico_sdk "${PROJECT_SOURCE_DIR}/firmware/third_party/pico-sdk")
if(NOT EXISTS "${skink_pico_sdk}/.sha256")
  message(FATAL_ERROR "firmware/third_party/pico-sdk is absent: run scripts/fetch-firmware-deps --pico first")
endif()

enable_language(ASM) # boot2

# The image begins with what reads the rest of it from flash, 252 bytes and a checksum that the RP2040's ROM asks for.
function(skink_add_boot2 out)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}")
  get_target_property(directories skink_pico_sdk INTERFACE_INCLUDE_DIRECTORIES)
  list(TRANSFORM directories PREPEND -I)
  set(stage2 "${skink_pico_sdk}/src/rp2040/boot_stage2")
  add_custom_command(
    OUTPUT "${folder}/boot2.S"
    COMMAND "${CMAKE_C_COMPILER}" -mcpu=cortex-m0plus -mthumb -nostdlib -DPICO_RP2040=1 ${directories}
            "-I${stage2}/asminclude" "-Wl,--script=${stage2}/boot_stage2.ld" "${stage2}/boot2_w25q080.S" -o boot2.elf
    COMMAND "${CMAKE_OBJCOPY}" -O binary boot2.elf boot2.bin
    COMMAND "${SKINK_PYTHON3}" "${stage2}/pad_checksum" -s 0xffffffff boot2.bin boot2.S
    DEPENDS "${stage2}/boot2_w25q080.S"
    WORKING_DIRECTORY "${folder}"
    COMMENT "boot2"
    VERBATIM)
  set(${out} "${folder}/boot2.S" PARENT_SCOPE)
endfunction()

function(skink_add_pico_sdk chip board)
  set(rp2_common "${skink_pico_sdk}/src/rp2_common")
  add_library(skink_pico_sdk OBJECT
    "${rp2_common}/hardware_clocks/clocks.c" "${rp2_common}/hardware_flash/flash.c" "${rp2_common}/hardware_gpio/gpio.c"
    "${rp2_common}/hardware_pll/pll.c" "${rp2_common}/hardware_ticks/ticks.c" "${rp2_common}/hardware_watchdog/watchdog.c"
    "${rp2_common}/hardware_xip_cache/xip_cache.c" "${rp2_common}/hardware_xosc/xosc.c"
    "${rp2_common}/pico_bootrom/bootrom.c" "${rp2_common}/pico_runtime_init/runtime_init_clocks.c")
  set(directories ${chip}/hardware_regs ${chip}/hardware_structs ${chip}/pico_platform
                  common/boot_picobin_headers common/boot_picoboot_headers common/pico_base_headers)
  foreach(part boot_bootrom_headers hardware_base hardware_boot_lock hardware_clocks hardware_flash hardware_gpio hardware_irq
               hardware_pll hardware_resets hardware_sync hardware_sync_spin_lock hardware_ticks hardware_timer hardware_vreg
               hardware_watchdog hardware_xip_cache hardware_xosc pico_bootrom pico_flash pico_platform_compiler
               pico_platform_panic pico_platform_sections pico_runtime pico_runtime_init)
    list(APPEND directories rp2_common/${part})
  endforeach()
  list(TRANSFORM directories PREPEND "${skink_pico_sdk}/src/")
  list(TRANSFORM directories APPEND /include)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/sdk")
  file(CONFIGURE OUTPUT "${generated}/pico/config_autogen.h" CONTENT "#include \"boards/@board@.h\"\n" @ONLY)
  file(CONFIGURE OUTPUT "${generated}/pico/version.h" CONTENT "#define PICO_SDK_VERSION_STRING \"2.1.1\"\n" @ONLY)
  target_include_directories(skink_pico_sdk SYSTEM PUBLIC "${generated}" "${skink_pico_sdk}/src/boards/include" ${directories})
  string(TOUPPER "PICO_${chip}" chip)
  target_compile_definitions(skink_pico_sdk PUBLIC ${chip}=1 PICO_ON_DEVICE=1)
  target_compile_options(skink_pico_sdk PRIVATE -w)
endfunction()

function(skink_add_rp2_port chip board)
  find_program(SKINK_PYTHON3 python3 REQUIRED)
  skink_add_pico_sdk(${chip} ${board})
  set(boot2)
  if(chip STREQUAL rp2040)
    skink_add_boot2(boot2)
  endif()
  set(network)
  if(NOT SKINK_NO_NETWORK)
    set(network "${SKINK_PORTS}/rp2/w5500_nic.cpp" "${SKINK_PORTS}/w5500/w5500.cpp")
  endif()
  skink_add_port(
    SOURCES
      ${boot2} ${network}
      "${SKINK_PORTS}/rp2/board.cpp"
      "${SKINK_PORTS}/rp2/noise_entropy.cpp"
      "${SKINK_PORTS}/rp2/qspi_flash.cpp"
      "${SKINK_PORTS}/rp2/external_vectors.cpp"
      "${SKINK_PORTS}/rp2/noise_${chip}.cpp"
      "${SKINK_PORTS}/cortex-m/cortex_m.cpp"
      "${SKINK_PORTS}/cortex-m/startup.cpp"
    OPTIONS SKINK_EDGE_CHUNK_BYTES=2048 SKINK_EDGE_MAX_MODEL_CHUNKS=496 SKINK_RELEASE_SECTORS=33 SKINK_RESIDUAL_SECTORS=31
    LINK --specs=nano.specs "-T${SKINK_PORTS}/cortex-m/sections.ld")
  target_link_libraries(skink_port PUBLIC skink_pico_sdk)
  target_sources(skink_port INTERFACE $<TARGET_OBJECTS:skink_pico_sdk>)
  set_target_properties(skink_port PROPERTIES SKINK_UF2_FAMILY ${chip})
endfunction()
