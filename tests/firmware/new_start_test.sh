#!/usr/bin/env bash
# A device whose fault may pass starts again by itself, and goes on when it has passed. One whose fault stays says it again
# and is not reset.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

# start NAME ARGUMENT...: a device with the console NAME.log; a reset starts it again
start() {
  local log=$fleet_work/$1.log
  shift
  "$fleet_root/scripts/qemu-device" "$@" -- -action reboot=reset >"$log" 2>&1 &
  fleet_pids+=("$!")
}

# until_said NAME COUNT TEXT: the console has said it so often within 60 s
until_said() {
  local tries=600
  until [[ $(grep -cF -- "$3" "$fleet_work/$1.log") -ge $2 ]]; do
    tries=$((tries - 1))
    [[ $tries -gt 0 ]] || { cat "$fleet_work/$1.log" && fail "$1: '$3' was not said $2 times"; }
    sleep 0.1
  done
  echo "$1: said $2 times: $3"
}

fleet_begin 1
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id pump \
  --broker "10.0.2.2:$fleet_port" --server-name localhost >/dev/null
identity=$fleet_work/images/pump.bin

mkdir "$fleet_work/later.flash" # no file can be opened there
start storage --identity "$identity" --flash "$fleet_work/later.flash"
start entropy --identity "$identity" --flash "$fleet_work/entropy.flash" --entropy none
start identity --flash "$fleet_work/identity.flash"
until_said storage 1 "storage: not available; a new start in 15 s"
rmdir "$fleet_work/later.flash" # the fault passes
until_said storage 1 "mqtt: accepted by the broker"
until_said storage 1 "reset reason 4"
until_said storage 1 "storage: start 1," # the one that failed is not counted
until_said entropy 2 "network: the board has no entropy; a new start in 15 s"
until_said entropy 1 "reset reason 4"
until_said identity 3 "identity: this device is not provisioned"
[[ $(grep -c "reset reason" "$fleet_work/identity.log") -eq 1 ]] || fail "a device without identity was reset"
