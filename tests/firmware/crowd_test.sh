#!/usr/bin/env bash
# Sixteen emulated Cortex-M4 devices and one host client at once: each takes part in all of ten rounds, and the run ends with
# the simulator's hash.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=17 --set fleet.held_out=0 --set meta.cohort=17 --set meta.rounds=10
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=0)
fleet_begin 1
fleet_configure crowd "$file"
fleet_start_edge crowd "$file" 1 "${settings[@]}"
for i in {0..15}; do
  fleet_start_qemu crowd mps2-an386 "$(printf 'mcu-%02d' "$i")" "$file" $((1 + i)) "${settings[@]}" >/dev/null
done
fleet_start_coordinator crowd "${settings[@]}"
fleet_wait_for_coordinator crowd || fail "the run did not end: $(tail -n 5 "$fleet_work"/crowd/mcu-*.log)"
"$fleet_bin/skink-sim" run "$file" "${settings[@]}" --out "$fleet_work/crowd/simulator" --quiet >/dev/null
fleet=$(summary_field "$fleet_work/crowd/fleet/summary.json" model_sha256)
simulator=$(summary_field "$fleet_work/crowd/simulator/summary.json" model_sha256)
echo "crowd: fleet $fleet simulator $simulator"
[[ $fleet == "$simulator" ]] || fail "the hashes differ"
for i in {0..15}; do
  log=$(printf '%s/crowd/mcu-%02d.log' "$fleet_work" "$i")
  [[ $(grep -c ": accepted" "$log") -ge 9 && $(grep -c ": adapted" "$log") -eq 10 ]] ||
    fail "$log: $(grep -c ': adapted' "$log") rounds: $(cat "$log")"
done
"$fleet_bin/skinkctl" devices --store "$fleet_work/crowd/store.db" | grep -c "online  *skink 0.1.0 mps2-an386" | grep -qx 16 ||
  fail "skinkctl does not show sixteen"
