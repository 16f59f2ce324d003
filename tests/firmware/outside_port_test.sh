#!/usr/bin/env bash
# A port and an application that stand outside of the repository, as docs/porting.md says: built from their own folders, and what is
# wrong is said.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_tool arm-none-eabi-gcc
[[ -d $fleet_root/firmware/third_party/lwip ]] || { echo "SKIPPED: outside port: scripts/fetch-firmware-deps has not run" && exit 0; }
cd "$fleet_work"
mkdir product
cp -r "$fleet_root/firmware/ports/template" product/pump
mkdir product/app
cat >product/app/CMakeLists.txt <<'END'
skink_add_client(pump-client SOURCES pump.cpp)
END
cat >product/app/pump.cpp <<'END'
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"

namespace skink::firmware {
edge::SampleSource samples() noexcept {
  print("the pump of the test");
  return {};
}
uint64_t turn(Device& /*device*/, uint64_t /*now_ms*/) noexcept { return ~uint64_t{0}; }
}  // namespace skink::firmware
END

# configure OPTION...
configure() {
  cmake -S "$fleet_root" -B build -G Ninja --toolchain "$fleet_root/cmake/toolchains/firmware.cmake" "$@" >out.txt 2>&1
}
# refused WHAT OPTION...: it is not configured, and WHAT is said
refused() {
  local what=$1
  shift
  if configure "$@"; then fail "configured: $*"; fi
  tr -s ' \n' ' ' <out.txt | grep -qF "$what" || { cat out.txt && fail "not said: $what"; }
  rm -rf build
}

refused "which has no cpu.cmake" -D SKINK_PORT_DIR=product/nothing
refused "a port elsewhere is named with SKINK_PORT_DIR" -D SKINK_BOARD=pump
refused "which has no CMakeLists.txt that calls" -D SKINK_PORT_DIR=product/pump -D SKINK_APP_DIR=product
if cmake -S "$fleet_root" -B build -G Ninja -D SKINK_PORT_DIR=product/pump >out.txt 2>&1; then fail "a host's compiler was taken"; fi
grep -q -- --toolchain out.txt || { cat out.txt && fail "the missing toolchain is not said"; }
rm -rf build

configure -D SKINK_PORT_DIR=product/pump -D SKINK_APP_DIR=product/app || { cat out.txt && fail "not configured"; }
cmake --build build --target pump-client >out.txt 2>&1 || { cat out.txt && fail "not built"; }
grep -q "the pump of the test" build/pump-client.elf || fail "not the application"
grep -qE "skink [0-9.]+ pump" build/pump-client.elf || fail "not the board"
grep -q 'CMAKE_BUILD_TYPE:STRING=MinSizeRel' build/CMakeCache.txt || fail "not built for size"

sed -i 's/cortex-m4/cortex-m7/; s/fpv4-sp-d16/fpv5-sp-d16/' product/pump/cpu.cmake
if cmake --build build --target pump-client >out.txt 2>&1; then fail "another processor was named, and nothing happened"; fi
grep -q "is another one than when this build folder was made" <(tr -s ' \n' ' ' <out.txt) || { cat out.txt && fail "not said"; }
configure --fresh -D SKINK_PORT_DIR=product/pump || { cat out.txt && fail "not configured anew"; }
grep -q "cortex-m7" build/CMakeCache.txt || fail "the flags of before"
echo "an outside port, an outside application: built; a changed cpu.cmake is refused, and taken with --fresh"
