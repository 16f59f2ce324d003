#!/usr/bin/env bash
# Images of the board pico in an emulated RP2040 (tests/firmware/pico/board.mjs): the self-test, the watchdog, a device without an
# identity; and both say what is wrong when the arithmetic flushes denormal numbers, as the chip's ROM does.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
# shellcheck source=tests/firmware/pico/pico_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/pico/pico_lib.sh"
need_pico

pico "$pico_build/skink-selftest.uf2" | tee selftest.log || fail "a check failed"
grep -q "self-test: 0 of 15 checks failed" selftest.log || fail "the self-test did not end"

# At 2 MHz a board that hangs for the watchdog's 8 s is quicker to emulate.
pico "$pico_build/skink-watchdog.uf2" --mhz 2 | tee watchdog.log || fail "the board did not come back by its watchdog"
[[ $(grep -c "^ok" watchdog.log) -eq 2 ]] || fail "the board did not say why it came back"

pico "$pico_build/skink-client.uf2" --seconds 40 >client.log || true
[[ $(grep -c "^identity: this device is not provisioned" client.log) -eq 3 ]] || { cat client.log && fail "not said every 15 s"; }

arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb -Os -c "$pico_here/flushing.c" -o flushing.o
# link IMAGE: as the build does, with other floating point
link() {
  local command
  command=$(ninja -C "$pico_build" -t commands "$1.elf" | tail -n 1)
  command=${command#: && } command=${command%% && *}
  (cd "$pico_build" && eval "${command/ -o $1.elf/ -o "$fleet_work/$1.elf"} $fleet_work/flushing.o \
    -Wl,--wrap=__aeabi_fmul -Wl,--wrap=__aeabi_fadd -Wl,-Map=$fleet_work/$1.map") >/dev/null
  "$fleet_root/scripts/make-uf2" --family rp2040 --out "$1.uf2" "$1.elf" >/dev/null
}
link skink-selftest
pico skink-selftest.uf2 >flushing.log && fail "a self-test that flushes denormal numbers passed"
grep -q "skink self-test: denormal numbers are flushed to zero.*RP2040's ROM" flushing.log || { cat flushing.log && fail "not said why"; }
link skink-client
pico skink-client.uf2 --until "RP2040's ROM" >flushing.log || { cat flushing.log && fail "the client does not say why"; }
grep -q "^arithmetic: denormal numbers are flushed to zero" flushing.log || { cat flushing.log && fail "not said what"; }
if grep -q "^identity" flushing.log; then fail "a client with wrong arithmetic went on"; fi
echo "an emulated RP2040: self-test, watchdog; flushed denormal numbers are named"
