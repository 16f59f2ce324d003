#!/usr/bin/env bash
# A board that hangs, at its start or later, is reset by its watchdog, and says so.
#
#   watchdog_test.sh BOARD
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board "$1" skink-watchdog qemu-system-arm
timeout 100 "$fleet_root/scripts/qemu-device" --board "$1" --image "$fleet_root/build/firmware-$1/skink-watchdog.elf" \
  -- -action reboot=reset | tee "$fleet_work/log" || fail "the board did not come back by its watchdog"
[[ $(grep -c "^ok" "$fleet_work/log") -eq 2 ]] || fail "the board did not say why it came back"
