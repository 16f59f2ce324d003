#!/usr/bin/env bash
# What a strategy or a scope asks of a device, for real: a Cortex-M4 and a Cortex-M3 in QEMU and 4 host clients take part in runs of
# fedprox and fomaml, online and in batches, and of scopes, over a TLS broker; every run ends with the simulator's hash, and every update is the simulator's.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm

file=$fleet_root/experiments/sine.toml
need_board lm3s6965evb skink-client qemu-system-arm
settings=(--set fleet.devices=6 --set fleet.held_out=1 --set meta.cohort=5 --set meta.rounds=3 --set task.query_size=5
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=4)
# A recording has the query sets of who learns from them.
recorded=(--set meta.strategy=fomaml)
fleet_begin 4
mkdir -p "$fleet_work/devices"
fleet_start_edge devices "$file" 4 "${settings[@]}" --arena-bytes 40000
fleet_start_qemu devices mps2-an386 mcu-0 "$file" 4 "${settings[@]}" "${recorded[@]}" >"$fleet_work/mcu.txt"
fleet_start_qemu devices lm3s6965evb mcu-1 "$file" 5 "${settings[@]}" "${recorded[@]}" >>"$fleet_work/mcu.txt"
[[ $(grep -c training "$fleet_work/mcu.txt") == 2 ]] || fail "both emulated devices must be training devices; choose another seed"

number=0
for strategy in "fedprox meta.proximal=5" "fedprox meta.proximal=5 meta.batch_size=4" fomaml "fomaml meta.batch_size=4" fedadam \
  "tinyreptile adapt.scope=head" "reptile adapt.scope=bias+head meta.batch_size=4 codec.uplink=topk:0.1+int8+ef" \
  "reptile adapt.scope=last:2 codec.downlink=int8+ef evaluation.scope=bias" "fomaml adapt.scope=head meta.batch_size=4"; do
  number=$((number + 1))
  run=run-$number
  both=("${settings[@]}")
  for setting in meta.strategy=$strategy; do both+=(--set "$setting"); done
  fleet_configure "$run" "$file"
  fleet_start_coordinator "$run" "${both[@]}" --updates "$fleet_work/$run.csv"
  fleet_wait_for_coordinator "$run" || {
    tail -n 20 "$fleet_work"/devices/mcu-*.log
    fail "the run with $strategy did not end"
  }
  "$fleet_bin/skink-sim" run "$file" "${both[@]}" --out "$fleet_work/$run/simulator" --quiet >/dev/null
  fleet=$(summary_field "$fleet_work/$run/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$fleet_work/$run/simulator/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$strategy: fleet $fleet, simulator $simulator"
  "$fleet_bin/skink-sim" replay "$fleet_work/$run/store.db" --updates "$fleet_work/$run-simulator.csv" --quiet
  diff <(sort -u "$fleet_work/$run.csv") <(sort -u "$fleet_work/$run-simulator.csv") ||
    fail "$strategy: updates differ from the simulator's"
  for mcu in mcu-0 mcu-1; do grep -q ",$mcu," "$fleet_work/$run.csv" || fail "$strategy: $mcu took no part"; done
  echo "$strategy: equal, $(grep -c ",mcu-" "$fleet_work/$run.csv") updates of the emulated devices among them"
done
