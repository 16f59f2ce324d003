#!/usr/bin/env bash
# Error feedback on a device whose RAM has no room for a residual: a Cortex-M3 in QEMU keeps it in flash, host clients in their
# arenas; the run ends with the simulator's hash, and every update is the simulator's.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board lm3s6965evb skink-client qemu-system-arm

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=6 --set fleet.held_out=1 --set meta.cohort=5 --set meta.rounds=6 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=4 --set model.layers.0.units=56 --set model.layers.2.units=56
  --set codec.uplink=topk:0.05+ternary+ef)
"$fleet_bin/skink-sim" plan "$file" "${settings[@]}" --json "$fleet_work/plan.json" >/dev/null
needed=$(summary_field "$fleet_work/plan.json" arena_bytes)

fleet_begin 5
mkdir -p "$fleet_work/devices"
fleet_start_edge devices "$file" 5 "${settings[@]}" --arena-bytes 30000
fleet_start_qemu devices lm3s6965evb mcu-0 "$file" 5 "${settings[@]}" >"$fleet_work/m3.txt"
grep -q training "$fleet_work/m3.txt" || fail "the M3 must be a training device; choose another seed"
fleet_configure run "$file"
fleet_start_coordinator run "${settings[@]}" --updates "$fleet_work/run.csv"
fleet_wait_for_coordinator run || {
  tail -n 20 "$fleet_work"/devices/mcu-*.log
  fail "the run did not end"
}
log=$fleet_work/devices/mcu-0.log
arena=$(sed -n 's/.* \([0-9]*\) bytes of arena.*/\1/p' "$log" | head -n 1)
((arena < needed)) || fail "an arena of $arena bytes has room for $needed: take a larger network"
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/run/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/simulator/summary.json" model_sha256)
[[ $fleet == "$simulator" ]] || fail "fleet $fleet, simulator $simulator: $(cat "$log")"
"$fleet_bin/skink-sim" replay "$fleet_work/run/store.db" --updates "$fleet_work/simulator.csv" --quiet
diff <(sort -u "$fleet_work/run.csv") <(sort -u "$fleet_work/simulator.csv") || fail "updates differ from the simulator's"
updates=$(grep -c ",mcu-0," "$fleet_work/run.csv")
((updates >= 3)) || fail "only $updates updates of the M3"
echo "residual in flash: equal, $updates updates of a Cortex-M3 with $arena of $needed bytes"
