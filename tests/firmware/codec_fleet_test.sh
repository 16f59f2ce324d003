#!/usr/bin/env bash
# Every codec for real: a mixed fleet of 2 Cortex-M4 and 1 Cortex-M3 in QEMU and 6 host clients takes part in one run after the
# other over a TLS broker, each with another uplink, two of three with a compressed downlink; every run ends with the simulator's hash, and every update is the simulator's.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm
need_board lm3s6965evb skink-client qemu-system-arm

file=$fleet_root/experiments/sine.toml
settings=(--set fleet.devices=9 --set fleet.held_out=1 --set meta.cohort=8 --set meta.rounds=4
  --set evaluation.every=0 --set evaluation.tasks=0 --set evaluation.final_tasks=4)
codecs=(float32 int8 int4:block:nearest+ef ternary+range sign+ef eden:1 eden:2+ef eden:4
  topk:0.01+ternary+ef topk:0.1+int8:nearest+range topk:0.05+int4+ef topk:0.02+float32)
fleet_begin 6
mkdir -p "$fleet_work/devices"
# Room for residuals and selections, which the file does not ask for.
fleet_start_edge devices "$file" 6 "${settings[@]}" --arena-bytes 20000
fleet_start_qemu devices lm3s6965evb mcu-0 "$file" 6 "${settings[@]}" >"$fleet_work/m3.txt"
for i in 1 2; do fleet_start_qemu devices mps2-an386 "mcu-$i" "$file" $((6 + i)) "${settings[@]}"; done
grep -q training "$fleet_work/m3.txt" || fail "the M3 must be a training device; choose another seed"

number=0
downlinks=(whole topk:0.05+ternary+ef eden:1+ef)
for codec in "${codecs[@]}"; do
  number=$((number + 1))
  downlink=${downlinks[$((number % 6 / 2))]}
  both=(--set "codec.uplink=$codec" --set "codec.downlink=$downlink")
  run=run-$number
  fleet_configure "$run" "$file"
  fleet_start_coordinator "$run" "${settings[@]}" "${both[@]}" --updates "$fleet_work/$run.csv"
  fleet_wait_for_coordinator "$run" || {
    tail -n 20 "$fleet_work"/devices/mcu-*.log
    fail "the run with $codec did not end"
  }
  "$fleet_bin/skink-sim" run "$file" "${settings[@]}" "${both[@]}" --out "$fleet_work/$run/simulator" --quiet >/dev/null
  fleet=$(summary_field "$fleet_work/$run/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$fleet_work/$run/simulator/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$codec: fleet $fleet, simulator $simulator"
  "$fleet_bin/skink-sim" replay "$fleet_work/$run/store.db" --updates "$fleet_work/$run-simulator.csv" --quiet
  diff <(sort -u "$fleet_work/$run.csv") <(sort -u "$fleet_work/$run-simulator.csv") ||
    fail "$codec: updates differ from the simulator's"
  echo "$codec, downlink $downlink: equal, $(grep -c ",mcu-" "$fleet_work/$run.csv") updates of emulated devices among them"
done
