# skink_add_mps2_port(<image> [SOURCES ...] [OPTIONS ...])  -> the port of MPS2 with an FPGA image, a namespace of board_map.hpp. Its folder has
#   memory.ld, and what SOURCES and OPTIONS add.
function(skink_add_mps2_port image)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;OPTIONS")
  skink_refuse_unknown(arg)
  skink_add_port(
    SOURCES
      "${SKINK_PORTS}/mps2/board.cpp"
      "${SKINK_PORTS}/mps2/interrupts.cpp"
      "${SKINK_PORTS}/mps2/lan9118.cpp"
      "${SKINK_PORTS}/cortex-m/cortex_m.cpp"
      "${SKINK_PORTS}/cortex-m/startup.cpp"
      "${SKINK_PORTS}/qemu/host_flash.cpp"
      "${SKINK_PORTS}/qemu/semihosting.cpp"
      ${arg_SOURCES}
    OPTIONS SKINK_EDGE_CHUNK_BYTES=2048 SKINK_EDGE_MAX_MODEL_CHUNKS=512 SKINK_RELEASE_SECTORS=65
      SKINK_RESIDUAL_SECTORS=61 ${arg_OPTIONS}
    LINK --specs=nano.specs "-T${SKINK_PORTS}/cortex-m/sections.ld")
  target_compile_definitions(skink_port PRIVATE "SKINK_MPS2_IMAGE=${image}")
endfunction()
