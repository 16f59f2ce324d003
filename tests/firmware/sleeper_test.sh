#!/usr/bin/env bash
# Devices that connect, do one round, and sleep: an emulated board wakes at most four times between two rounds;
# the model is the simulator's. So it is for devices as processes that all sleep.
set -euo pipefail
# shellcheck source=tests/integration/fleet_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/fleet_lib.sh" "devices that sleep"
file=$fleet_root/experiments/sine.toml
fleet_begin 0

# round_trip NAME: the run ends with the simulator's model
round_trip() {
  fleet_start_coordinator "$1" "${settings[@]}" 2>"$fleet_work/$1/coordinator.log"
  fleet_wait_for_coordinator "$1" || { tail -n 20 "$fleet_work/$1"/*.log && fail "the run does not finish"; }
  "$fleet_bin/skink-sim" run "$file" --quiet "${settings[@]}" --out "$fleet_work/$1/simulated" >/dev/null
  cmp "$fleet_work/$1/fleet/model.skm" "$fleet_work/$1/simulated/model.skm" || fail "another model than the simulator's"
}

# ---- six processes, two of which are asked in each round ----
settings=(--set fleet.devices=6 --set fleet.held_out=1 --set meta.cohort=2 --set meta.rounds=8 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=4 --set fleet.deadline_ms=120000 --set fleet.offline_ms=120000)
fleet_configure many "$file"
processes=()
for ((i = 0; i < 6; i++)); do
  "$fleet_bin/skinkctl" provision --fleet demo --pki "$fleet_work/pki" --out "$fleet_work/processes" --id "dev-$i" \
    --broker "127.0.0.1:$fleet_port" --server-name localhost >/dev/null
  "$fleet_bin/skink-sim" record "$file" --device-index "$i" --out "$fleet_work/many/dev-$i.samples" "${settings[@]}" >/dev/null
  "$fleet_bin/skink-device" --identity "$fleet_work/processes/dev-$i.bin" --recording "$fleet_work/many/dev-$i.samples" \
    --flash "$fleet_work/many/dev-$i.flash" --sleep 3 >"$fleet_work/many/dev-$i.log" 2>&1 &
  fleet_edge_pid=$!
  fleet_pids+=("$fleet_edge_pid")
  processes+=("$fleet_edge_pid")
done
round_trip many
for pid in "${processes[@]}"; do fleet_stop_one "$pid"; done
left=$(cat "$fleet_work"/many/dev-*.log | grep -c "left, until the next connection is due" || true)
[[ $left -ge 8 ]] || fail "they left $left times only"
echo "6 processes left $left times in 8 rounds, and the model is the simulator's"

# ---- a board ----
if ! command -v qemu-system-arm >/dev/null || [[ ! -f $fleet_root/build/firmware-mps2-an386/skink-sleeper.elf ]]; then
  echo "SKIPPED: a board that sleeps: qemu-system-arm is not installed, or the image was not built"
  exit 0
fi
settings=(--set fleet.devices=1 --set fleet.held_out=0 --set meta.cohort=1 --set meta.rounds=3 --set evaluation.every=0
  --set evaluation.tasks=0 --set evaluation.final_tasks=0 --set fleet.deadline_ms=120000 --set fleet.offline_ms=120000)
fleet_configure board "$file"
fleet_provision arm-0
"$fleet_bin/skink-sim" record "$file" --device-index 0 --out "$fleet_work/board/arm-0.samples" "${settings[@]}" >/dev/null
"$fleet_root/scripts/qemu-device" --board mps2-an386 --identity "$fleet_work/images/arm-0.bin" \
  --recording "$fleet_work/board/arm-0.samples" --flash "$fleet_work/board/arm-0.flash" \
  --image "$fleet_root/build/firmware-mps2-an386/skink-sleeper.elf" >"$fleet_work/board/arm-0.log" 2>&1 &
fleet_edge_pid=$!
fleet_pids+=("$fleet_edge_pid")
round_trip board
woken=$(tr -d '\r' <"$fleet_work/board/arm-0.log" | sed -n 's/^sleep: woken \([0-9]*\) times between two connections$/\1/p' | sort -n | tail -n 1)
[[ -n $woken && $woken -le 4 ]] || { cat "$fleet_work/board/arm-0.log" && fail "woken ${woken:-?} times between two rounds"; }
resumed=$(grep -c "session resumed" "$fleet_work/board/arm-0.log" || true)
echo "a board: woken $woken times at most between two connections of 20 s, $resumed connections resumed TLS, and the model is the simulator's"
