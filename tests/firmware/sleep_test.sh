#!/usr/bin/env bash
# A device that is connected and idle sleeps: it wakes at most ten times a minute, for its pings and its watchdog, hears a task at
# once all the same, and its model is the simulator's.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm
file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=1 --set fleet.held_out=0 --set meta.cohort=1 --set meta.rounds=3 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0)
fleet_begin 0
"$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/images" --id arm-0 \
  --server-name localhost --broker "10.0.2.2:$fleet_port" >/dev/null
fleet_configure idle "$file"
fleet_start_qemu idle mps2-an386 arm-0 "$file" 0 "${settings[@]}" >/dev/null
fleet_edge_pid=$fleet_qemu_pid
log=$fleet_work/idle/arm-0.log
: >>"$log" # QEMU may not have opened it yet
wakes() { tr -d '\r' <"$log" | sed -n 's/^sleep: woken \([0-9]*\) times a minute$/\1/p' | tail -1; }
for ((tries = 2000; tries > 0; --tries)); do # the first minute connects
  count=$(wakes)
  [[ -z $count || $count -gt 10 ]] || break
  sleep 0.1
done
[[ $tries -gt 0 ]] || { cat "$log" && fail "woken ${count:-?} times a minute"; }
echo "idle: woken $count times a minute"
fleet_start_coordinator idle "${settings[@]}" 2>"$fleet_work/idle/coordinator.log"
fleet_wait_for_coordinator idle || { cat "$fleet_work/idle"/*.log && fail "the run does not finish"; }
"$fleet_bin/skink-sim" run "$file" --quiet "${settings[@]}" --out "$fleet_work/simulated" >/dev/null
cmp "$fleet_work/idle/fleet/model.skm" "$fleet_work/simulated/model.skm" || fail "another model than the simulator's"
