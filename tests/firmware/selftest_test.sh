#!/usr/bin/env bash
# The golden vectors on every emulated processor.
#
#   selftest_test.sh BOARD EMULATOR
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board "$1" skink-selftest "$2"
timeout 100 "$fleet_root/scripts/qemu-device" --board "$1" \
  --image "$fleet_root/build/firmware-$1/skink-selftest.elf" | tee "$fleet_work/log" || fail "a check failed"
grep -q "self-test: 0 of 15 checks failed" "$fleet_work/log" || fail "the self-test did not end"
