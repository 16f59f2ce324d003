#!/usr/bin/env bash
# Devices, as processes, that connect, do one round, and sleep: they leave after each, and the model is the simulator's.
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
