#!/usr/bin/env bash
# Image nets on the emulated Cortex-M4: a convolutional net of 5,173 parameters and a dense one of 25,733 train in its RAM,
# touch as much of the arena as the planner says, and the run ends with the simulator's hash. A net of 52,485 parameters is
# refused with both numbers, at the coordinator and on the console.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-client qemu-system-arm
if ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  echo "SKIPPED: firmware with image nets: the test data need python3-numpy"
  exit 0
fi

/usr/bin/python3 "$fleet_root/tests/data/make_images.py" "$fleet_work/data/images" --size 28
export SKINK_DATA=$fleet_work/data
small=(--set task.dataset=images --set fleet.devices=4 --set fleet.held_out=0 --set meta.cohort=4 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0)
fleet_begin 3

# run_fleet NAME EXPERIMENT SETTING...: three host clients and one device, which is mcu-0, the last of the roster.
run_fleet() {
  local name=$1 file=$2
  shift 2
  fleet_configure "$name" "$file"
  fleet_start_edge "$name" "$file" 3 "$@"
  fleet_start_qemu "$name" mps2-an386 mcu-0 "$file" 3 "$@" >/dev/null
  fleet_start_coordinator "$name" "$@"
  fleet_wait_for_coordinator "$name" || {
    tail -n 20 "$fleet_work/$name"/*.log
    fail "$name: the run did not end"
  }
  fleet_stop_one "$fleet_qemu_pid"
  fleet_stop_one "$fleet_edge_pid"
}

# trains NAME PARAMETERS EXPERIMENT SETTING...
trains() {
  local name=$1 parameters=$2 file=$3 folder=$fleet_work/$1 fleet simulator touched planned
  shift 3
  run_fleet "$name" "$file" "$@"
  "$fleet_bin/skink-sim" run "$file" "$@" --out "$folder/simulator" --quiet >/dev/null
  fleet=$(summary_field "$folder/fleet/summary.json" model_sha256)
  simulator=$(summary_field "$folder/simulator/summary.json" model_sha256)
  [[ $fleet == "$simulator" ]] || fail "$name: fleet $fleet, simulator $simulator"
  [[ $(grep -c ": adapted" "$folder/mcu-0.log") -eq 2 ]] || fail "$name: the device did not train: $(cat "$folder/mcu-0.log")"
  read -r touched planned < <(
    sed -n 's/^memory: \([0-9]*\) bytes of the arena touched, \([0-9]*\) planned.*/\1 \2/p' "$folder/mcu-0.log" | tail -n 1
  )
  echo "$name: $parameters parameters, $touched bytes touched, $planned planned, hash $fleet"
  [[ -n $touched && $touched -eq $planned ]] || fail "$name: $touched bytes touched, $planned planned"
  [[ $(summary_field "$folder/fleet/summary.json" parameters) -eq $parameters ]] ||
    fail "$name: not $parameters parameters"
}

trains conv 5173 "$fleet_root/experiments/omniglot-conv-5w5s.toml" "${small[@]}" --set meta.rounds=2
dense=$fleet_root/experiments/omniglot-5w5s.toml
trains dense 25733 "$dense" "${small[@]}" --set meta.rounds=2 --set model.layers.1.units=32 --set model.layers.3.units=16

run_fleet large "$dense" "${small[@]}" --set meta.rounds=1
"$fleet_bin/skinkctl" status --store "$fleet_work/large/store.db" >"$fleet_work/status.txt"
grep -E "does_not_fit.*needs [0-9]+ bytes, has [0-9]+" "$fleet_work/status.txt" ||
  fail "the coordinator does not know why: $(cat "$fleet_work/status.txt")"
grep -E "needs [0-9]+ bytes, the arena has [0-9]+" "$fleet_work/large/mcu-0.log" ||
  fail "the console does not say why: $(cat "$fleet_work/large/mcu-0.log")"
